/**
 * runOnce: JSON when the code has ended and its files are read, else 202; the work then goes on behind the answer, and a
 * repeat under the same `Idempotency-Key` tells how it stands.
 */
import type { Run } from '../../contract/rest/run.ts';
import type { Sandbox } from '../../contract/rest/sandboxes.ts';
import type { ExecutionRecord } from '../../core/execution/execution.ts';
import { Fold } from '../../core/execution/fold.ts';
import { toExecution } from '../../core/execution/read-executions.ts';
import { readRunFiles } from '../../core/execution/run-files.ts';
import {
  beginRun,
  endRun,
  executionOf,
  keepRun,
  performRun,
  startedRun,
} from '../../core/execution/run-once.ts';
import { followLog } from '../../core/output/follow-log.ts';
import { idempotencyKeyOf } from '../shared/idempotency-key.ts';
import type { Answer } from '../shared/rest-answer.ts';
import type { RestRequest } from '../shared/rest-request.ts';
import type { Background } from '../shared/stream-function.ts';
import { waitOf } from './answer-kind.ts';
import type { ExecutionsDeps } from './wire.ts';
import { within } from './within.ts';

type Request = RestRequest<'runOnce'>;

export async function runOnce(
  deps: ExecutionsDeps,
  request: Request,
  background: Background,
): Promise<Answer> {
  await deps.allowances.take(request.caller);
  const asked = idempotencyKeyOf('runOnce', request);
  const { sandbox, isNew } = await beginRun(deps, { body: request.body, asked }, request.caller);
  const headers = { 'X-Execution-Id': executionOf(sandbox.id) };
  const waitMs = waitOf(deps, request);
  const data = isNew
    ? await perform(deps, request, { sandbox, waitMs, background })
    : await look(deps, request, { sandbox, waitMs });
  const isOver = data.status === 'finished' || data.status === 'lost';
  return { status: isOver ? 200 : 202, data, headers };
}

async function perform(
  deps: ExecutionsDeps,
  { body, caller }: Request,
  run: { readonly sandbox: Sandbox; readonly waitMs: number; readonly background: Background },
): Promise<Run> {
  const { sandbox, waitMs, background } = run;
  const sandboxId = sandbox.id;
  const paths = body.outputFiles ?? [];
  const fold = new Fold();
  let execution: ExecutionRecord | undefined;
  const work = performRun(deps, { sandboxId, body }, caller, {
    background: (rest) => background.add(rest),
    onEvent: (event) => fold.add(event),
    onStarted: (started) => {
      execution = started;
    },
  });
  // A relay that failed leaves the execution to the next one: the caller has its id and reads on.
  const told = work.catch((error: unknown) => {
    if (!execution) throw error;
  });
  const end = await within(deps, told, waitMs);
  if (end !== 'finished' || !execution) {
    // Whoever goes on with a relay that has handed over does not know of the sandbox: it expires.
    const settle = async () => {
      if ((await work) !== 'finished') return;
      await (paths.length > 0 ? keepRun(deps, sandboxId, caller) : endRun(deps, sandboxId));
    };
    background.add(settle());
    return unfinished(sandbox, body, { execution, fold });
  }
  const files = await readRunFiles(deps, { sandboxId, paths }, caller);
  const isKept = files.some(({ state }) => state === 'kept');
  background.add(isKept ? keepRun(deps, sandboxId, caller) : endRun(deps, sandboxId));
  return { ...toExecution(execution, fold), files };
}

/** What another request has begun, as it is by the end of the wait. */
async function look(
  deps: ExecutionsDeps,
  { body, caller }: Request,
  { sandbox, waitMs }: { readonly sandbox: Sandbox; readonly waitMs: number },
): Promise<Run> {
  const untilMs = deps.clock.nowMs() + waitMs;
  const fold = new Fold();
  const execution = await startedRun(deps, { sandboxId: sandbox.id, untilMs });
  if (!execution) return unfinished(sandbox, body, { execution, fold });
  for await (const page of followLog(deps, { execution, after: 0, untilMs }))
    for (const event of page) fold.add(event);
  const data = toExecution(execution, fold);
  const isOver = data.status === 'finished' || data.status === 'lost';
  const wanted = { sandboxId: sandbox.id, paths: body.outputFiles ?? [] };
  return { ...data, files: isOver ? await readRunFiles(deps, wanted, caller) : [] };
}

interface SoFar {
  readonly execution: ExecutionRecord | undefined;
  readonly fold: Fold;
}

function unfinished(
  { id: sandboxId, createdAt }: Sandbox,
  { language }: Request['body'],
  { execution, fold }: SoFar,
): Run {
  if (execution) return { ...toExecution(execution, fold, { ended: false }), files: [] };
  const queued = { id: executionOf(sandboxId), sandboxId, language, createdAt };
  return { ...queued, ...fold.result({ ended: false }), status: 'queued', files: [] };
}
