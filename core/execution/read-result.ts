/** Read one result whole, which its readers may have got by reference. */
import { AppError } from '../../contract/errors.ts';
import type { Event } from '../../contract/events.ts';
import type { ExecutionId } from '../../contract/ids.ts';
import type { WholeResult } from '../../contract/rest/executions.ts';
import type { Caller } from '../account/caller.ts';
import { LogExpired, LogReader, type LogReaderDeps } from '../output/log-reader.ts';
import type { Clock } from '../ports.ts';
import { ownedBy } from './execution.ts';
import type { ExecutionStore } from './execution-store.ts';

export interface ReadResultDeps extends LogReaderDeps {
  readonly executions: Pick<ExecutionStore, 'get'>;
  readonly clock: Clock;
}

/** Whoever hears of it live is ahead of the log, which has it soon. */
const WRITTEN = { withinMs: 5_000, pauseMs: 50 } as const;

export async function readResult(
  deps: ReadResultDeps,
  { executionId, seq }: { readonly executionId: ExecutionId; readonly seq: number },
  caller: Caller,
): Promise<WholeResult> {
  const untilMs = deps.clock.nowMs() + WRITTEN.withinMs;
  for (;;) {
    // In this order: what has ended by now is in the log whole.
    const record = ownedBy(await deps.executions.get(executionId), caller.tenantId, executionId);
    const [event] = await pageFrom(deps, executionId, seq);
    if (event) return wholeOf(event, executionId);
    const isRunning = record.status === 'running';
    if (!isRunning && seq <= record.lastSeq) throw expired(executionId, seq);
    if (!isRunning || deps.clock.nowMs() >= untilMs) throw noResult(executionId, seq);
    await deps.clock.sleep(WRITTEN.pauseMs);
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

async function pageFrom(deps: LogReaderDeps, id: ExecutionId, seq: number) {
  try {
    return await new LogReader(deps, id, seq - 1, { whole: true }).next(true);
  } catch (error) {
    if (error instanceof LogExpired) throw expired(id, seq);
    throw error;
  }
}

const expired = (executionId: ExecutionId, seq: number): AppError =>
  new AppError('CURSOR_EXPIRED', `Event ${seq} of ${executionId} is no longer kept.`, {
    details: { executionId, seq },
  });
