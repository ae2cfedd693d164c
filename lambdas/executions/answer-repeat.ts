/**
 * executeCode again under the same `Idempotency-Key`: the execution that the first request started,
 * in whichever answer this one asks for. Reads the log; the first request's relay writes it.
 */
import { Readable } from 'node:stream';
import type { ExecutionRecord } from '../../core/execution/execution.ts';
import { Fold } from '../../core/execution/fold.ts';
import { getExecution, toExecution } from '../../core/execution/read-executions.ts';
import { followLog } from '../../core/output/follow-log.ts';
import type { Answer } from '../shared/rest-answer.ts';
import type { RestRequest } from '../shared/rest-request.ts';
import type { StreamAnswer } from '../shared/stream-function.ts';
import { waitOf, wantsStream } from './answer-kind.ts';
import { serverSentEvents } from './sse.ts';
import type { ExecutionsDeps } from './wire.ts';

export async function answerRepeat(
  deps: ExecutionsDeps,
  request: RestRequest<'executeCode'>,
  execution: ExecutionRecord,
): Promise<Answer | StreamAnswer> {
  const headers = { 'X-Execution-Id': execution.id };
  const follow = (waitMs: number) =>
    followLog(deps, { execution, after: 0, untilMs: deps.clock.nowMs() + waitMs });
  if (wantsStream(request)) {
    const pages = follow(deps.sseLifeMs);
    return { stream: Readable.from(serverSentEvents(pages, deps.clock)), headers };
  }
  if (execution.status !== 'running') {
    return { status: 200, data: await getExecution(deps, execution.id, request.caller), headers };
  }
  const fold = new Fold();
  for await (const page of follow(waitOf(deps, request))) for (const event of page) fold.add(event);
  const data = toExecution(execution, fold);
  return { status: data.status === 'running' ? 202 : 200, data, headers };
}
