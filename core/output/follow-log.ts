/**
 * A reader's view of a log that may still grow: pages of events from a cursor on, until `finished`
 * or its own deadline. Polls every 25 ms while events come, backing off to 250 ms. In silence it
 * looks after the relay: whoever finds the lease lapsed asks for the next one.
 */
import { AppError } from '../../contract/errors.ts';
import type { Event } from '../../contract/events.ts';
import { type ExecutionRecord, isReadOnDemand } from '../execution/execution.ts';
import type { ExecutionStore } from '../execution/execution-store.ts';
import type { Clock } from '../ports.ts';
import { LogExpired, LogReader, type LogReaderDeps } from './log-reader.ts';
import type { RelayStarter } from './output-log.ts';
import { askForRelay } from './take-over.ts';

export interface FollowDeps extends LogReaderDeps {
  readonly executions: Pick<ExecutionStore, 'get' | 'noteReader'>;
  readonly relays: RelayStarter;
  readonly clock: Clock;
  readonly leaseMs: number;
}

export interface Follow {
  /** As it was when the reader came. */
  readonly execution: ExecutionRecord;
  readonly after: number;
  /** The reader's own end, in ms since the epoch. */
  readonly untilMs: number;
  readonly signal?: AbortSignal;
}

const MIN_PAUSE_MS = 25;
/** In lease lengths: a reader of a process whose time is up comes back within this. */
const RETURN_LEASES = 2;
const MAX_PAUSE_MS = 250;

/**
 * Yields pages that are never empty.
 * @throws {AppError} CURSOR_EXPIRED when the log is no longer kept
 */
export async function* followLog(
  deps: FollowDeps,
  follow: Follow,
): AsyncGenerator<Event[], void, undefined> {
  const reader = new LogReader(deps, follow.execution.id, follow.after);
  let execution = follow.execution;
  if (execution.status === 'running' && isReadOnDemand(execution)) await note(deps, follow);
  let pause = MIN_PAUSE_MS;
  let checkedMs = 0;
  while (!follow.signal?.aborted) {
    const ended = execution.status !== 'running';
    if (ended && reader.cursor >= execution.lastSeq) return;
    const events = await read(reader, ended);
    if (events.length > 0) {
      yield events;
      if (events.at(-1)?.type === 'finished') return;
      pause = MIN_PAUSE_MS;
      continue;
    }
    if (ended) throw expired(execution);
    const nowMs = deps.clock.nowMs();
    if (nowMs - checkedMs >= deps.leaseMs / 3) {
      checkedMs = nowMs;
      execution = (await deps.executions.get(execution.id)) ?? execution;
      await askForRelay(deps.relays, execution, deps.clock.iso(nowMs));
      if (execution.status !== 'running') continue;
    }
    if (nowMs >= follow.untilMs) return;
    await deps.clock.sleep(Math.min(pause, follow.untilMs - nowMs), follow.signal);
    pause = Math.min(pause * 1.5, MAX_PAUSE_MS);
  }
}

/** Of several readers the one that reads the longest is noted; one page more of the same is not. */
async function note(deps: FollowDeps, { execution, untilMs }: Follow): Promise<void> {
  const { id, readUntil = '' } = execution;
  if (readUntil >= deps.clock.iso(untilMs + deps.leaseMs)) return;
  await deps.executions.noteReader(id, deps.clock.iso(untilMs + RETURN_LEASES * deps.leaseMs));
}

async function read(reader: LogReader, ended: boolean): Promise<Event[]> {
  try {
    return await reader.next(ended);
  } catch (error) {
    if (error instanceof LogExpired) {
      throw new AppError('CURSOR_EXPIRED', 'The events after this cursor are no longer kept.', {
        details: { after: reader.cursor },
      });
    }
    throw error;
  }
}

const expired = (execution: ExecutionRecord): AppError =>
  new AppError(
    'CURSOR_EXPIRED',
    `The events of execution ${execution.id} are no longer kept: the log is kept for 24 h after the end.`,
    { details: { executionId: execution.id } },
  );
