/** Claims on idempotency keys and the transactions that they are part of. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { claimIdempotency } from '../../../adapters/dynamo/idempotency-store.ts';
import { transactTelling } from '../../../adapters/dynamo/transact.ts';
import { earlierResult, type IdempotencyClaim } from '../../../core/account/idempotency.ts';
import { clock } from '../../../lambdas/shared/system.ts';
import { startStores } from '../../helpers/dynamo-stores.ts';
import {
  creatingSandbox,
  freed,
  iso,
  runningExecution,
  startingTask,
  tenantId,
} from '../../helpers/records.ts';

let stores: Awaited<ReturnType<typeof startStores>>;
beforeAll(async () => {
  stores = await startStores();
});
afterAll(() => stores.close());

const HOUR = 3_600_000;
const at = (ms: number) => iso(Date.now() + ms);
const claim = (over: Partial<IdempotencyClaim> = {}): IdempotencyClaim => ({
  tenantId: tenantId(),
  operation: 'executeCode',
  key: 'key #1/~',
  bodySha256: 'a'.repeat(64),
  resultId: 'first',
  expiresAt: at(HOUR),
  ...over,
});
const write = (wanted: IdempotencyClaim, now = at(0)) =>
  transactTelling(stores.client, [claimIdempotency(stores.state, wanted, now)]);

let seats = 0;
async function runningSandbox() {
  const starting = startingTask(seats++);
  const task = freed(starting);
  await stores.pool.takeSeat(starting);
  await stores.pool.markFree(task.launchId, task.taskArn, task.address.host);
  const sandbox = creatingSandbox(task);
  const creation = { sandbox, task, idempotency: undefined, overdueAt: at(HOUR) };
  expect(await stores.sandboxes.create(creation)).toBe('created');
  await stores.sandboxes.markRunning(sandbox.id, at(0), at(HOUR));
  return sandbox;
}

test('a key is claimed once, until the claim expires', async () => {
  const first = claim();
  expect(await write(first)).toEqual([]);
  const second = { ...first, resultId: 'second' };
  expect(await write(second)).toEqual([0]);
  expect(await stores.idempotency.find(first.tenantId, 'executeCode', first.key)).toEqual(first);
  expect(await write(second, at(HOUR + 1))).toEqual([]);
  expect(await stores.idempotency.find(first.tenantId, 'executeCode', first.key)).toEqual(second);
});

test('the same key of another tenant, or for another operation, is another key', async () => {
  const first = claim();
  expect(await write(first)).toEqual([]);
  expect(await write({ ...first, tenantId: tenantId() })).toEqual([]);
  expect(await write({ ...first, operation: 'createSandbox' })).toEqual([]);
  expect(await stores.idempotency.find(tenantId(), 'executeCode', first.key)).toBeUndefined();
});

test('an earlier request is found by what it asked for, and not after its claim has expired', async () => {
  const first = claim();
  const deps = { idempotency: stores.idempotency, clock };
  expect(await earlierResult(deps, first, first.tenantId)).toBeUndefined();
  await write(first);
  expect(await earlierResult(deps, first, first.tenantId)).toBe('first');
  const other = { ...first, bodySha256: 'b'.repeat(64) };
  await expect(earlierResult(deps, other, first.tenantId)).rejects.toMatchObject({
    code: 'IDEMPOTENCY_CONFLICT',
  });
  const later = { ...clock, nowMs: () => Date.now() + HOUR };
  expect(await earlierResult({ ...deps, clock: later }, other, first.tenantId)).toBeUndefined();
});

test('a cancelled transaction tells which conditions failed, and writes nothing', async () => {
  const [taken, free] = [claim(), claim()];
  await write(taken);
  const items = [free, taken].map((each) => claimIdempotency(stores.state, each, at(0)));
  expect(await transactTelling(stores.client, items)).toEqual([1]);
  expect(await stores.idempotency.find(free.tenantId, 'executeCode', free.key)).toBeUndefined();
});

test('of many executions under one key one is started, and a discarded one gives the key back', async () => {
  const sandbox = await runningSandbox();
  const wanted = claim({ tenantId: sandbox.tenantId });
  const tries = Array.from({ length: 5 }, () => runningExecution(sandbox));
  const outcomes = await Promise.all(
    tries.map((record) =>
      stores.executions.startOnce(record, 8, { ...wanted, resultId: record.id }),
    ),
  );
  expect(outcomes.toSorted()).toEqual(['claimed', 'claimed', 'claimed', 'claimed', 'started']);
  expect((await stores.sandboxes.get(sandbox.id))?.runningExecutions).toBe(1);
  const started = tries[outcomes.indexOf('started')]!.id;
  const held = { ...wanted, resultId: started };
  expect(await stores.idempotency.find(wanted.tenantId, 'executeCode', wanted.key)).toEqual(held);
  await stores.executions.discard(started, sandbox.id, held);
  expect(await stores.idempotency.find(wanted.tenantId, 'executeCode', wanted.key)).toBeUndefined();
  expect((await stores.sandboxes.get(sandbox.id))?.runningExecutions).toBe(0);
});

test('a sandbox that takes no more refuses, and keeps no claim', async () => {
  const sandbox = await runningSandbox();
  const wanted = claim({ tenantId: sandbox.tenantId });
  expect(await stores.executions.startOnce(runningExecution(sandbox), 0, wanted)).toBe('refused');
  expect(await stores.idempotency.find(wanted.tenantId, 'executeCode', wanted.key)).toBeUndefined();
});
