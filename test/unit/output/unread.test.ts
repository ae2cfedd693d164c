/** When the relay of a process goes, and when it stays. */
import { expect, it } from 'vitest';
import type { ExecutionRecord } from '../../../core/execution/execution.ts';
import { untilUnread } from '../../../core/output/unread.ts';
import { VirtualClock } from '../../helpers/virtual-clock.ts';

const LEASE_MS = 1_000;

function world(readUntilMs: number | undefined) {
  const clock = new VirtualClock();
  const readUntil =
    readUntilMs === undefined ? {} : { readUntil: clock.iso(clock.nowMs() + readUntilMs) };
  const record = { id: 'ex', ...readUntil } as unknown as ExecutionRecord;
  const audience = { isEmpty: true };
  const stop = new AbortController();
  const deps = { executions: { get: async () => record }, clock, leaseMs: LEASE_MS };
  const beganMs = clock.nowMs();
  const unread = untilUnread(deps, record, audience, stop.signal).then((isUnread) => ({
    isUnread,
    afterMs: clock.nowMs() - beganMs,
  }));
  return { audience, clock, stop, unread };
}

it('it goes at the first look that finds nobody', async () => {
  const { clock, unread } = world(undefined);
  expect(await clock.run(unread)).toEqual({ isUnread: true, afterMs: 2 * LEASE_MS });
});

it('it stays while the log is read, and goes once nobody has come back', async () => {
  const { clock, unread } = world(5 * LEASE_MS);
  expect(await clock.run(unread)).toEqual({ isUnread: true, afterMs: 6 * LEASE_MS });
});

it('it stays for a reader on the WebSocket, until its own end', async () => {
  const { audience, clock, stop, unread } = world(undefined);
  audience.isEmpty = false;
  await clock.run(clock.sleep(9 * LEASE_MS));
  stop.abort();
  expect((await unread).isUnread).toBe(false);
});
