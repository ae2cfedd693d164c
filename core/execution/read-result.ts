/** Read one result whole, which its readers may have got by reference. */
import { AppError } from '../../contract/errors.ts';
import type { Event } from '../../contract/events.ts';
import type { ExecutionId } from '../../contract/ids.ts';
import type { WholeResult } from '../../contract/rest/executions.ts';
import type { Caller } from '../account/caller.ts';
import { LogExpired, LogReader, type LogReaderDeps } from '../output/log-reader.ts';
import type { RelayStarter } from '../output/output-log.ts';
import { askForRelay } from '../output/take-over.ts';
import type { Clock } from '../ports.ts';
import { isReadOnDemand, ownedBy } from './execution.ts';
import type { ExecutionStore } from './execution-store.ts';

export interface ReadResultDeps extends LogReaderDeps {
  readonly executions: Pick<ExecutionStore, 'get'>;
  readonly relays: RelayStarter;
  readonly clock: Clock;
  readonly leaseMs: number;
}

/** Whoever hears of it live is ahead of the log, which has it soon. */
const WRITTEN = { withinMs: 5_000, pauseMs: 50, mostPauseMs: 250 } as const;

export async function readResult(
  deps: ReadResultDeps,
  { executionId, seq }: { readonly executionId: ExecutionId; readonly seq: number },
  caller: Caller,
): Promise<WholeResult> {
  const untilMs = deps.clock.nowMs() + WRITTEN.withinMs;
  let askedMs = 0;
  for (let pauseMs: number = WRITTEN.pauseMs; ; ) {
    // In this order: what has ended by now is in the log whole.
    const record = ownedBy(await deps.executions.get(executionId), caller.tenantId, executionId);
    const ended = record.status !== 'running';
    // Neither a process nor a watch has results, and no log goes on behind its end.
    if (isReadOnDemand(record) || (ended && seq > record.lastSeq)) throw noResult(executionId, seq);
    const [event] = await pageFrom(deps, { executionId, seq, ended });
    if (event) return wholeOf(event, executionId);
    if (ended) throw expired(executionId, seq);
    const nowMs = deps.clock.nowMs();
    if (nowMs >= untilMs) throw notYet(executionId, seq);
    if (nowMs - askedMs >= deps.leaseMs / 3) {
      askedMs = nowMs;
      await askForRelay(deps.relays, record, deps.clock.iso(nowMs));
    }
    await deps.clock.sleep(Math.min(pauseMs, untilMs - nowMs));
    pauseMs = Math.min(pauseMs * 1.5, WRITTEN.mostPauseMs);
  }
}

function wholeOf(event: Event, executionId: ExecutionId): WholeResult {
  if (event.type !== 'result') throw noResult(executionId, event.seq);
  const { main, displayId, data = {} } = event;
  return { main, ...(displayId === undefined ? {} : { displayId }), data };
}

const noResult = (executionId: ExecutionId, seq: number): AppError =>
  new AppError('NOT_FOUND', `Event ${seq} of ${executionId} is no result.`, {
    details: { executionId, seq },
  });

/** Where it has not `ended`, nothing ahead of `seq` is no reason to search the log behind it. */
async function pageFrom(
  deps: LogReaderDeps,
  { executionId, seq, ended }: { executionId: ExecutionId; seq: number; ended: boolean },
) {
  try {
    return await new LogReader(deps, executionId, seq - 1, { whole: true }).next(ended);
  } catch (error) {
    if (error instanceof LogExpired) throw expired(executionId, seq);
    throw error;
  }
}

const notYet = (executionId: ExecutionId, seq: number): AppError =>
  new AppError(
    'DEADLINE_EXCEEDED',
    `Event ${seq} of ${executionId} is not written yet. Ask again.`,
    {
      details: { executionId, seq },
      retryAfterSeconds: 1,
    },
  );

const expired = (executionId: ExecutionId, seq: number): AppError =>
  new AppError('CURSOR_EXPIRED', `Event ${seq} of ${executionId} is no longer kept.`, {
    details: { executionId, seq },
  });
