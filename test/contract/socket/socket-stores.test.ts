/** What subscriptions promise each other, on the DynamoDB adapters over the stand-in. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Subscription } from '../../../core/socket/subscription.ts';
import { startStores } from '../../helpers/dynamo-stores.ts';
import {
  creatingSandbox,
  executionId,
  freed,
  iso,
  keyId,
  runningExecution,
  startingTask,
  tenantId,
} from '../../helpers/records.ts';

let stores: Awaited<ReturnType<typeof startStores>>;
beforeAll(async () => {
  stores = await startStores();
});
afterAll(() => stores.close());

let connections = 0;
const subscribed = (over: Partial<Subscription> = {}): Subscription => ({
  sandboxId: creatingSandbox(freed(startingTask())).id,
  target: executionId(),
  connectionId: `connection-${connections++}=`,
  tenantId: tenantId(),
  delivery: 1,
  version: 'v1',
  mode: 'push',
  after: 0,
  acked: 0,
  ...over,
});

async function runningSandbox() {
  const starting = startingTask(3_000 + connections++);
  const task = freed(starting);
  await stores.pool.takeSeat(starting);
  await stores.pool.markFree(task.launchId, task.taskArn, task.address.host);
  const sandbox = creatingSandbox(task);
  const overdueAt = iso(Date.now() + 600_000);
  const creation = { sandbox, task, idempotency: undefined, overdueAt };
  expect(await stores.sandboxes.create(creation)).toBe('created');
  await stores.sandboxes.markRunning(sandbox.id, iso(Date.now()), overdueAt);
  return sandbox;
}

describe('subscriptions', () => {
  test('come back as they were, and all of a sandbox and one execution at once', async () => {
    const own = subscribed({ ackId: 'm1' });
    const { sandboxId } = own;
    const whole = subscribed({ sandboxId, target: sandboxId });
    const other = subscribed({ sandboxId });
    for (const row of [own, whole, other, subscribed()]) await stores.subscriptions.put(row);
    expect(await stores.subscriptions.get(own)).toEqual(own);
    const watching = await stores.subscriptions.watching(sandboxId, own.target as never);
    expect(watching).toHaveLength(2);
    expect(watching).toEqual(expect.arrayContaining([own, whole]));
  });

  test('a relay’s row does not take the place of one that a client has put', async () => {
    const row = subscribed({ after: 7, acked: 7 });
    await stores.subscriptions.put(row);
    await stores.subscriptions.admit({ ...row, version: 'v2', after: 0 });
    expect(await stores.subscriptions.get(row)).toEqual(row);
  });

  test('an ack never goes back, and needs a subscription', async () => {
    const row = subscribed();
    expect(await stores.subscriptions.acknowledge(row, 1, 'm')).toBe(false);
    await stores.subscriptions.put(row);
    expect(await stores.subscriptions.acknowledge(row, 5, 'm5')).toBe(true);
    expect(await stores.subscriptions.acknowledge(row, 4, 'm4')).toBe(false);
    expect(await stores.subscriptions.get(row)).toMatchObject({ acked: 5, ackId: 'm5' });
  });

  test('what was written for an older version is void', async () => {
    const row = subscribed();
    await stores.subscriptions.put(row);
    const to = { version: 'v2', after: 9, acked: 8 };
    expect(await stores.subscriptions.update(row, { mode: 'pull' })).toBe(true);
    expect(await stores.subscriptions.resume(row, to)).toBe(true);
    expect(await stores.subscriptions.get(row)).toEqual({ ...row, ...to });
    expect(await stores.subscriptions.update(row, { mode: 'pull' })).toBe(false);
    await stores.subscriptions.remove(row, 'v1');
    expect(await stores.subscriptions.get(row)).toBeDefined();
    await stores.subscriptions.remove(row, 'v2');
    expect(await stores.subscriptions.get(row)).toBeUndefined();
    expect(await stores.subscriptions.resume(row, to)).toBe(false);
  });

  test('mark their sandbox, after which an execution does not end unwatched', async () => {
    const sandbox = await runningSandbox();
    const execution = runningExecution(sandbox);
    await stores.executions.start(execution, 8);
    await stores.subscriptions.put(subscribed({ sandboxId: sandbox.id, target: execution.id }));
    expect(await stores.sandboxes.get(sandbox.id)).toMatchObject({ watched: true });
    const finish = (unlessWatched: boolean) =>
      stores.executions.finish(
        execution.id,
        sandbox.id,
        1,
        {
          status: 'finished',
          outcome: 'ok',
          exitCode: 0,
          metrics: { wallMs: 1 },
          finishedAt: iso(Date.now()),
          lastSeq: 1,
          truncated: false,
        },
        { executionId: execution.id, firstSeq: 1, lastSeq: 1, segmentKey: 'k' },
        { unlessWatched },
      );
    expect(await finish(true)).toBe('watched');
    expect((await stores.executions.get(execution.id))?.status).toBe('running');
    expect(await finish(false)).toBe('ended');
    expect((await stores.sandboxes.get(sandbox.id))?.runningExecutions).toBe(0);
  });
});

describe('connections', () => {
  test('are counted by tenant and go with all their subscriptions', async () => {
    const tenant = tenantId();
    const [first, second] = ['one=', 'two='].map((id) => ({
      id: `${tenant}-${id}`,
      tenantId: tenant,
      keyId: keyId(),
      role: 'viewer' as const,
      connectedAt: iso(Date.now()),
    }));
    await stores.sockets.put(first!);
    await stores.sockets.put(second!);
    expect(await stores.sockets.countOf(tenant)).toBe(2);
    const rows = [subscribed(), subscribed()].map((row) => ({ ...row, connectionId: first!.id }));
    const kept = subscribed({ connectionId: second!.id });
    for (const row of [...rows, kept]) await stores.subscriptions.put(row);
    await stores.sockets.remove(first!.id);
    await stores.sockets.remove(first!.id);
    expect(await stores.sockets.countOf(tenant)).toBe(1);
    for (const row of rows) expect(await stores.subscriptions.get(row)).toBeUndefined();
    expect(await stores.subscriptions.get(kept)).toEqual(kept);
  });
});
