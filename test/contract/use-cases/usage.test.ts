/** Usage: what each key ran, by day, counted where an execution ends. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { KeyId, TenantId } from '../../../contract/ids.ts';
import { createKey } from '../../../core/account/keys.ts';
import { createTenant } from '../../../core/account/tenants.ts';
import { readUsage } from '../../../core/account/usage.ts';
import { clock, digest, ids } from '../../../lambdas/shared/system.ts';
import { startStores } from '../../helpers/dynamo-stores.ts';
import {
  creatingSandbox,
  freed,
  iso,
  runningExecution,
  startingTask,
} from '../../helpers/records.ts';

let stores: Awaited<ReturnType<typeof startStores>>;
beforeAll(async () => {
  stores = await startStores();
});
afterAll(() => stores.close());

const NOON = Date.parse('2026-03-10T12:00:00.000Z');
const LATER = iso(Date.now() + 600_000);

async function world() {
  const { accounts, idempotency, usage } = stores;
  const timed = { ...clock, nowMs: () => NOON };
  const deps = { accounts, idempotency, usage, sockets: stores.sockets, clock: timed, ids, digest };
  const { key } = await createTenant(deps, { name: 'acme' });
  const keeper = { tenantId: key.tenantId, role: 'admin' as const };
  const second = await createKey(deps, { name: 'second', role: 'developer' }, keeper);
  return { deps, keeper, key, second };
}

let seats = 0;
async function runningSandbox(tenantId: TenantId) {
  const starting = startingTask(seats++);
  const task = freed(starting);
  await stores.pool.takeSeat(starting);
  await stores.pool.markFree(task.launchId, task.taskArn, task.address.host);
  const sandbox = creatingSandbox(task, { tenantId });
  await stores.sandboxes.create({ sandbox, task, idempotency: undefined, overdueAt: LATER });
  await stores.sandboxes.markRunning(sandbox.id, iso(Date.now()), LATER);
  return sandbox;
}

/** Executions that a key starts in a sandbox and that end at the same time, each told twice. */
async function run(
  sandbox: Awaited<ReturnType<typeof runningSandbox>>,
  { keyId, count, finishedAt }: { keyId: KeyId; count: number; finishedAt: string },
) {
  const records = Array.from({ length: count }, () => runningExecution(sandbox, { keyId }));
  for (const record of records) await stores.executions.start(record, 8);
  const end = {
    status: 'finished',
    outcome: 'ok',
    exitCode: 0,
    metrics: { wallMs: 100.4 },
    finishedAt,
    lastSeq: 1,
    truncated: false,
    keyId,
  } as const;
  for (const expected of ['ended', 'lost']) {
    const ended = records.map(({ id: executionId }) => {
      const row = { executionId, firstSeq: 1, lastSeq: 1, segmentKey: 'k' };
      return stores.executions.finish(executionId, sandbox.id, 1, end, row, {
        unlessWatched: false,
      });
    });
    expect(await Promise.all(ended)).toEqual(records.map(() => expected));
  }
}

test('each execution counts once, for the key that started it, on the day on which it ended', async () => {
  const { deps, keeper, key, second } = await world();
  const sandbox = await runningSandbox(key.tenantId);
  await run(sandbox, { keyId: key.id, count: 8, finishedAt: '2026-03-09T23:59:59.999Z' });
  await run(sandbox, { keyId: key.id, count: 2, finishedAt: '2026-03-10T00:00:00.000Z' });
  await run(sandbox, { keyId: key.id, count: 1, finishedAt: '2026-02-08T12:00:00.000Z' });
  const { items, ...range } = await readUsage(deps, {}, keeper);
  expect(range).toEqual({ from: '2026-02-09', to: '2026-03-10', nextCursor: null });
  expect(items.find(({ keyId }) => keyId === key.id)).toEqual({
    keyId: key.id,
    keyName: 'first key',
    days: [
      { day: '2026-03-09', executions: 8, executionMs: 800 },
      { day: '2026-03-10', executions: 2, executionMs: 200 },
    ],
  });
  expect(items.find(({ keyId }) => keyId === second.id)?.days).toEqual([]);
  const earlier = await readUsage(deps, { from: '2026-02-08', to: '2026-02-08' }, keeper);
  expect(earlier.items.flatMap(({ days }) => days)).toEqual([
    { day: '2026-02-08', executions: 1, executionMs: 100 },
  ]);
});

test('keys come in pages; a range that runs backwards or is too long is refused', async () => {
  const { deps, keeper } = await world();
  const first = await readUsage(deps, { limit: 1 }, keeper);
  const second = await readUsage(deps, { limit: 1, cursor: first.nextCursor ?? '' }, keeper);
  const names = [...first.items, ...second.items].map(({ keyName }) => keyName);
  expect(names.toSorted()).toEqual(['first key', 'second']);
  for (const range of [
    { from: '2026-03-02', to: '2026-03-01' },
    { from: '2025-01-01', to: '2026-03-01' },
  ]) {
    await expect(readUsage(deps, range, keeper)).rejects.toMatchObject({
      code: 'VALIDATION_ERROR',
    });
  }
});
