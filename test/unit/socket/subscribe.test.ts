/** How many may read: each subscription is read by every relay of its sandbox. */
import { expect, it } from 'vitest';
import { SOCKET_LIMITS } from '../../../contract/socket/limits.ts';
import { type SubscribeDeps, subscribe } from '../../../core/socket/subscribe.ts';
import { callerOf, creatingSandbox, freed, iso, startingTask } from '../../helpers/records.ts';

const { readersPerSandbox, subscriptionsPerConnection } = SOCKET_LIMITS;

async function subscribed(count: { ofSandbox: number; ofConnection: number }) {
  const sandbox = {
    ...creatingSandbox(freed(startingTask())),
    status: 'running',
    startedAt: iso(0),
  } as const;
  const put: unknown[] = [];
  const deps = {
    sandboxes: { get: async () => sandbox },
    subscriptions: { count: async () => count, put: async (row: unknown) => void put.push(row) },
    clock: { nowMs: () => 0, iso },
    ids: { owner: () => 'v' },
  } as unknown as SubscribeDeps;
  const asker = {
    caller: callerOf({ tenantId: sandbox.tenantId }),
    connectionId: 'c',
    messageId: 'm',
  };
  const answer = await subscribe(deps, { sandboxId: sandbox.id, delivery: 1 }, asker).catch(
    (error: unknown) => error,
  );
  return { answer, put };
}

it.each([
  ['a sandbox', { ofSandbox: readersPerSandbox, ofConnection: 0 }, readersPerSandbox],
  [
    'a connection',
    { ofSandbox: 0, ofConnection: subscriptionsPerConnection },
    subscriptionsPerConnection,
  ],
])('one more of %s than its limit is refused, and writes nothing', async (_, count, allowed) => {
  const { answer, put } = await subscribed(count);
  expect(answer).toMatchObject({ code: 'RESOURCE_LIMIT_ERROR', details: { allowed } });
  expect(put).toEqual([]);
});

it('the last one that fits is taken', async () => {
  const { put } = await subscribed({
    ofSandbox: readersPerSandbox - 1,
    ofConnection: subscriptionsPerConnection - 1,
  });
  expect(put).toHaveLength(1);
});
