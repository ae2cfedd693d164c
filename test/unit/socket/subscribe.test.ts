/** How many may read: each subscription is read by every relay of its sandbox. */
import { expect, it } from 'vitest';
import type { SandboxId } from '../../../contract/ids.ts';
import { SOCKET_LIMITS } from '../../../contract/socket/limits.ts';
import { type SubscribeDeps, subscribe } from '../../../core/socket/subscribe.ts';
import type { SubscriptionKey } from '../../../core/socket/subscription.ts';
import {
  callerOf,
  creatingSandbox,
  executionId,
  freed,
  iso,
  sandboxId,
  startingTask,
} from '../../helpers/records.ts';

const { readersPerSandbox, subscriptionsPerConnection } = SOCKET_LIMITS;
const HERE = sandboxId();

interface Rows {
  readonly ofSandbox?: SubscriptionKey[];
  readonly ofConnection?: SubscriptionKey[];
  /** It watches the sandbox already. */
  readonly again?: true;
}

const whole = (connectionId: string, id: SandboxId = HERE): SubscriptionKey => ({
  sandboxId: id,
  target: id,
  connectionId,
});
const execution = (connectionId: string, id: SandboxId = HERE): SubscriptionKey => ({
  ...whole(connectionId, id),
  target: executionId(),
});
const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

async function subscribed({ ofSandbox = [], ofConnection = [], again }: Rows) {
  const sandbox = {
    ...creatingSandbox(freed(startingTask())),
    id: HERE,
    status: 'running',
    startedAt: iso(0),
  } as const;
  const put: unknown[] = [];
  const deps = {
    sandboxes: { get: async () => sandbox },
    subscriptions: {
      keys: async () => ({ ofSandbox, ofConnection }),
      get: async () => (again ? whole('c') : undefined),
      put: async (row: unknown) => void put.push(row),
    },
    clock: { nowMs: () => 0, iso },
    ids: { owner: () => 'v' },
  } as unknown as SubscribeDeps;
  const asker = {
    caller: callerOf({ tenantId: sandbox.tenantId }),
    connectionId: 'c',
    messageId: 'm',
  };
  const answer = await subscribe(deps, { sandboxId: HERE, delivery: 1 }, asker).catch(
    (error: unknown) => error,
  );
  return { answer, put };
}

const full = times(readersPerSandbox, (index) => whole(`c${index}`));

it.each([
  ['a sandbox', { ofSandbox: full }, readersPerSandbox],
  [
    'a connection',
    { ofConnection: times(subscriptionsPerConnection, () => whole('c', sandboxId())) },
    subscriptionsPerConnection,
  ],
  [
    'a connection, by executions alone',
    { ofConnection: times(subscriptionsPerConnection, () => execution('c', sandboxId())) },
    subscriptionsPerConnection,
  ],
])('one more of %s than its limit is refused, and writes nothing', async (_, rows, allowed) => {
  const { answer, put } = await subscribed(rows);
  expect(answer).toMatchObject({ code: 'RESOURCE_LIMIT_ERROR', details: { allowed } });
  expect(put).toEqual([]);
});

it.each<[string, Rows]>([
  [
    'the last one that fits',
    {
      ofSandbox: full.slice(1),
      ofConnection: times(subscriptionsPerConnection - 1, () => whole('c', sandboxId())),
    },
  ],
  ['a repeat, on a full sandbox', { ofSandbox: full, again: true }],
  [
    'one more where few connections watch many executions',
    { ofSandbox: times(2 * readersPerSandbox, (index) => execution(`c${index % 10}`)) },
  ],
  [
    'one more where relays have put a row for each execution of a watched sandbox',
    {
      ofConnection: times(3, () => sandboxId()).flatMap((id) => [
        whole('c', id),
        ...times(24, () => execution('c', id)),
      ]),
    },
  ],
])('%s is taken', async (_, rows) => {
  const { answer, put } = await subscribed(rows);
  expect(answer).toEqual({ sandboxId: HERE });
  expect(put).toHaveLength(1);
});
