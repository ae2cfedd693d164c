/**
 * What `socket` sends from the log itself: answers to `more`, and executions that have ended. As
 * much as one answer holds; then the client asks again, or the relay goes on.
 */
import { AppError } from '../../contract/errors.ts';
import { SOCKET_LIMITS } from '../../contract/socket/limits.ts';
import type { ExecutionRecord } from '../execution/execution.ts';
import type { ExecutionStore } from '../execution/execution-store.ts';
import { LogExpired, LogReader, type LogReaderDeps } from '../output/log-reader.ts';
import type { RelayStarter } from '../output/output-log.ts';
import { askForRelay } from '../output/take-over.ts';
import { head } from './feed.ts';
import { completeText, fitting, moreText, outputText } from './outbound.ts';
import { type PostDeps, post } from './post.ts';
import type { SubscriptionStore } from './subscription.ts';

export interface ReadOnDeps extends PostDeps, LogReaderDeps {
  readonly executions: Pick<ExecutionStore, 'get'>;
  readonly subscriptions: SubscriptionStore;
  readonly relays: RelayStarter;
}

export interface ReadOn {
  readonly connectionId: string;
  readonly execution: ExecutionRecord;
  readonly after: number;
}

/**
 * Answers the seq of the last event that was sent.
 * @throws {AppError} CURSOR_EXPIRED when the events are no longer kept
 */
export async function readOn(deps: ReadOnDeps, { connectionId, execution, after }: ReadOn) {
  const { id, sandboxId } = execution;
  let record = execution;
  let budget = SOCKET_LIMITS.pulledBytes;
  let cursor = after;
  while (true) {
    const part = await send(deps, { connectionId, execution: record, after: cursor }, budget);
    cursor = part.cursor;
    budget -= part.bytes;
    if (part.stop === 'nobody') return cursor;
    if (part.stop !== 'end') {
      await post(deps, connectionId, moreText(deps.clock, id, cursor, part.stop));
      return cursor;
    }
    if (record.status !== 'running') {
      if (cursor < record.lastSeq) throw expired(cursor);
      await post(deps, connectionId, completeText(deps.clock, id, record));
      return cursor;
    }
    const key = { sandboxId, target: id, connectionId };
    const version = deps.ids.owner();
    await deps.subscriptions.resume(key, { version, after: cursor, acked: after });
    // The relay may have ended before it could see that.
    record = (await deps.executions.get(id)) ?? record;
    if (record.status === 'running') {
      await askForRelay(deps.relays, record, deps.clock.iso(deps.clock.nowMs()));
      return cursor;
    }
    await deps.subscriptions.remove(key, version);
  }
}

interface Sent {
  readonly cursor: number;
  readonly bytes: number;
  readonly stop: 'end' | 'socket' | 'rest' | 'nobody';
}

async function send(deps: ReadOnDeps, ask: ReadOn, budget: number): Promise<Sent> {
  const { connectionId, execution } = ask;
  const log = new LogReader(deps, execution.id, ask.after);
  let cursor = ask.after;
  let sent = 0;
  for (;;) {
    let events = head(await page(log, execution));
    if (events.length === 0) return { cursor, bytes: sent, stop: 'end' };
    while (events.length > 0) {
      const batch = fitting(events);
      if (batch.length === 0) return { cursor, bytes: sent, stop: 'rest' };
      const bytes = batch.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      if (sent + bytes > budget) return { cursor, bytes: sent, stop: 'socket' };
      const text = outputText(deps.clock, execution, batch);
      if ((await post(deps, connectionId, text)) !== 'sent')
        return { cursor, bytes: sent, stop: 'nobody' };
      sent += bytes;
      cursor = batch.at(-1)?.seq ?? cursor;
      events = events.slice(batch.length);
    }
  }
}

async function page(log: LogReader, execution: ExecutionRecord) {
  try {
    return await log.next(execution.status !== 'running');
  } catch (error) {
    if (error instanceof LogExpired) throw expired(log.cursor);
    throw error;
  }
}

const expired = (after: number): AppError =>
  new AppError('CURSOR_EXPIRED', `The events after ${after} are no longer kept.`, {
    details: { after },
  });
