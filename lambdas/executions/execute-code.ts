/**
 * executeCode: start, then relay in this very invocation. Three answers: JSON (202 when it takes
 * longer), server-sent events, or 202 at once; in each the relay goes on behind the answer.
 */
import { Readable } from 'node:stream';
import type { Event } from '../../contract/events.ts';
import { Fold } from '../../core/execution/fold.ts';
import { toExecution } from '../../core/execution/read-executions.ts';
import { startExecution, startExecutionOnce } from '../../core/execution/start-execution.ts';
import { followLog } from '../../core/output/follow-log.ts';
import { type RelayEnd, type RelayTask, relayOutput } from '../../core/output/relay-output.ts';
import { idempotencyKeyOf } from '../shared/idempotency-key.ts';
import type { Answer } from '../shared/rest-answer.ts';
import type { RestRequest } from '../shared/rest-request.ts';
import type { Background, StreamAnswer } from '../shared/stream-function.ts';
import { waitOf, wantsStream } from './answer-kind.ts';
import { answerRepeat } from './answer-repeat.ts';
import { EventFeed } from './event-feed.ts';
import { serverSentEvents } from './sse.ts';
import type { ExecutionsDeps } from './wire.ts';
import { within } from './within.ts';

export async function executeCode(
  deps: ExecutionsDeps,
  request: RestRequest<'executeCode'>,
  background: Background,
): Promise<Answer | StreamAnswer> {
  await deps.allowances.take(request.caller);
  const started = await start(deps, request);
  if ('earlier' in started) return answerRepeat(deps, request, started.earlier);
  const { task } = started;
  const headers = { 'X-Execution-Id': task.execution.id };
  const hooks = { background: (work: Promise<void>) => background.add(work) };
  if (wantsStream(request)) {
    const feed = new EventFeed();
    const relay = relayOutput(deps, task, {
      ...hooks,
      onEvent: (event) => feed.push(event),
    }).finally(() => feed.end());
    background.add(relay);
    const pages = livePages(deps, task, feed, relay);
    return { stream: Readable.from(serverSentEvents(pages, deps.clock)), headers };
  }
  const fold = new Fold();
  const relay = relayOutput(deps, task, { ...hooks, onEvent: (event) => fold.add(event) });
  background.add(relay);
  const waitMs = waitOf(deps, request);
  // A relay that failed leaves the execution to the next one: the caller has its id and reads on.
  const end = relay.catch(() => undefined);
  const finished = waitMs > 0 && (await within(deps, end, waitMs)) === 'finished';
  const data = toExecution(task.execution, fold, { ended: finished });
  return { status: finished ? 200 : 202, data, headers };
}

async function start(deps: ExecutionsDeps, request: RestRequest<'executeCode'>) {
  const { params, body, caller } = request;
  const wanted = { sandboxId: params.sandboxId, body };
  const asked = idempotencyKeyOf('executeCode', request);
  if (asked) return startExecutionOnce(deps, { ...wanted, asked }, caller);
  return { task: await startExecution(deps, wanted, caller) };
}

/** From memory while the caller keeps up, then from the log. `finished` is handed out once the record says so. */
async function* livePages(
  deps: ExecutionsDeps,
  task: RelayTask,
  feed: EventFeed,
  relay: Promise<RelayEnd>,
): AsyncGenerator<Event[], void, undefined> {
  let after = 0;
  for await (const page of feed.pages()) {
    const last = page.at(-1);
    if (last?.type === 'finished') {
      if (page.length > 1) yield page.slice(0, -1);
      if ((await relay) === 'finished') yield [last];
      return;
    }
    after = last?.seq ?? after;
    yield page;
  }
  if (!feed.overflowed) return;
  const untilMs = deps.clock.nowMs() + deps.sseLifeMs;
  yield* followLog(deps, { execution: task.execution, after, untilMs });
}
