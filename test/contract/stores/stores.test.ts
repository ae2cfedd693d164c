/** The stores' promises, on the DynamoDB adapters over the stand-in. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FinishedExecution } from '../../../core/execution/execution-store.ts';
import { DEFAULT_POOL } from '../../../core/pool/pool-task.ts';
import { startStores } from '../../helpers/dynamo-stores.ts';
import {
  creatingSandbox,
  executionId,
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

const LATER = iso(Date.now() + 600_000);
let seats = 0;
async function freeTask() {
  const starting = startingTask(seats++);
  const task = freed(starting);
  expect(await stores.pool.takeSeat(starting)).toBe(true);
  expect(await stores.pool.markFree(task.launchId, task.taskArn, task.address)).toBe(true);
  return task;
}

async function runningSandbox() {
  const task = await freeTask();
  const sandbox = creatingSandbox(task);
  expect(await stores.sandboxes.claim(sandbox, task, LATER)).toBe(true);
  expect(await stores.sandboxes.markRunning(sandbox.id, iso(Date.now()), LATER)).toBe(true);
  return { ...sandbox, task: sandbox.task };
}

const end = (lastSeq: number): FinishedExecution => ({
  status: 'finished',
  outcome: 'ok',
  exitCode: 0,
  metrics: { wallMs: 1 },
  finishedAt: iso(Date.now()),
  lastSeq,
  truncated: false,
});

describe('the pool', () => {
  test('a seat is taken by one launch only, and given back by the claim of its task', async () => {
    const first = startingTask(1000);
    expect(await stores.pool.takeSeat(first)).toBe(true);
    expect(await stores.pool.takeSeat(startingTask(1000))).toBe(false);
    const task = freed(first);
    await stores.pool.recordLaunch(task.launchId, task.taskArn);
    expect(await stores.pool.markFree(task.launchId, task.taskArn, task.address)).toBe(true);
    expect(await stores.pool.markFree(task.launchId, task.taskArn, task.address)).toBe(false);
    expect((await stores.pool.free(DEFAULT_POOL, 100)).map(({ launchId }) => launchId)).toContain(
      task.launchId,
    );
    expect(await stores.sandboxes.claim(creatingSandbox(task), task, LATER)).toBe(true);
    expect((await stores.pool.seats(DEFAULT_POOL)).map(({ seat }) => seat)).not.toContain(1000);
    expect(
      (await stores.pool.free(DEFAULT_POOL, 100)).map(({ launchId }) => launchId),
    ).not.toContain(task.launchId);
  });

  test('of fifty claims of one task, one wins and only its sandbox exists', async () => {
    const task = await freeTask();
    const wanted = Array.from({ length: 50 }, () => creatingSandbox(task));
    const won = await Promise.all(
      wanted.map((sandbox) => stores.sandboxes.claim(sandbox, task, LATER)),
    );
    expect(won.filter(Boolean)).toHaveLength(1);
    const records = await Promise.all(wanted.map(({ id }) => stores.sandboxes.get(id)));
    expect(records.filter(Boolean)).toHaveLength(1);
  });

  test('a removed task gives its seat back, twice over without harm', async () => {
    const task = startingTask(2000);
    await stores.pool.takeSeat(task);
    await stores.pool.remove(task);
    await stores.pool.remove(task);
    expect(await stores.pool.get(task.launchId)).toBeUndefined();
    expect(await stores.pool.takeSeat(startingTask(2000))).toBe(true);
  });
});

describe('sandboxes', () => {
  test('a record comes back as it was written', async () => {
    const task = await freeTask();
    const sandbox = creatingSandbox(task, { name: 'n', metadata: { k: 'v' } });
    await stores.sandboxes.claim(sandbox, task, LATER);
    expect(await stores.sandboxes.get(sandbox.id)).toEqual(sandbox);
  });

  test('another task takes the place of a bad one while it is created', async () => {
    const [bad, good] = [await freeTask(), await freeTask()];
    const sandbox = creatingSandbox(bad);
    await stores.sandboxes.claim(sandbox, bad, LATER);
    expect(await stores.sandboxes.claimAnother(sandbox.id, bad.launchId, good)).toBe(true);
    expect((await stores.sandboxes.get(sandbox.id))?.task.launchId).toBe(good.launchId);
    expect((await stores.pool.get(bad.launchId))?.status).toBe('bad');
  });

  test('the first reason of an end stays, and it ends once', async () => {
    const sandbox = await runningSandbox();
    expect(await stores.sandboxes.requestEnd(sandbox.id, 'terminated')).toMatchObject({
      status: 'stopping',
      endReason: 'terminated',
    });
    expect(await stores.sandboxes.requestEnd(sandbox.id, 'task_died')).toMatchObject({
      endReason: 'terminated',
    });
    expect(
      await stores.sandboxes.markStopped(sandbox.id, sandbox.task.launchId, iso(Date.now())),
    ).toBe(true);
    expect(
      await stores.sandboxes.markStopped(sandbox.id, sandbox.task.launchId, iso(Date.now())),
    ).toBe(false);
    expect(await stores.sandboxes.requestEnd(sandbox.id, 'task_died')).toMatchObject({
      status: 'stopped',
      endReason: 'terminated',
    });
    expect(await stores.pool.get(sandbox.task.launchId)).toBeUndefined();
  });

  test('are listed newest first, in pages, per tenant', async () => {
    const tenant = tenantId();
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) {
      const task = await freeTask();
      const sandbox = creatingSandbox(task, {
        tenantId: tenant,
        createdAt: iso(1_700_000_000_000 + n),
      });
      await stores.sandboxes.claim(sandbox, task, LATER);
      ids.unshift(sandbox.id);
    }
    const first = await stores.sandboxes.list(tenant, { limit: 3 });
    const second = await stores.sandboxes.list(tenant, { limit: 3, cursor: first.cursor ?? '' });
    expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(ids);
    await expect(
      stores.sandboxes.list(tenantId(), { limit: 3, cursor: first.cursor ?? '' }),
    ).rejects.toMatchObject({ code: 'VALIDATION_ERROR' });
  });
});

describe('executions', () => {
  test('start only in a running, unexpired sandbox below its limit, and are counted', async () => {
    const sandbox = await runningSandbox();
    expect(await stores.executions.start(runningExecution(sandbox), 2)).toBe(true);
    const second = runningExecution(sandbox);
    expect(await stores.executions.start(second, 2)).toBe(true);
    expect(await stores.executions.start(runningExecution(sandbox), 2)).toBe(false);
    expect((await stores.sandboxes.get(sandbox.id))?.runningExecutions).toBe(2);
    await stores.executions.discard(second.id, sandbox.id);
    expect((await stores.sandboxes.get(sandbox.id))?.runningExecutions).toBe(1);
    expect(await stores.executions.get(second.id)).toBeUndefined();
    const late = runningExecution(sandbox, { createdAt: iso(Date.now() + 600_000) });
    expect(await stores.executions.start(late, 2)).toBe(false);
  });

  test('a lease is taken once it lapsed, by one of many, and only with the next epoch', async () => {
    const sandbox = await runningSandbox();
    const execution = runningExecution(sandbox);
    await stores.executions.start(execution, 8);
    const at = (epoch: number) => ({ owner: randomUUID(), epoch, until: iso(Date.now() + 15_000) });
    expect(await stores.executions.takeLease(execution.id, at(2), iso(Date.now()))).toBe(false);
    await stores.executions.renewLease(execution.id, {
      ...execution.lease,
      until: iso(Date.now() - 1),
    });
    expect((await stores.executions.lapsed(iso(Date.now()), 10)).map(({ id }) => id)).toContain(
      execution.id,
    );
    expect(await stores.executions.takeLease(execution.id, at(3), iso(Date.now()))).toBe(false);
    const taken = await Promise.all(
      Array.from({ length: 10 }, () =>
        stores.executions.takeLease(execution.id, at(2), iso(Date.now())),
      ),
    );
    expect(taken.filter(Boolean)).toHaveLength(1);
    expect(await stores.executions.renewLease(execution.id, execution.lease)).toBe(false);
    expect((await stores.executions.lapsed(iso(Date.now()), 10)).map(({ id }) => id)).not.toContain(
      execution.id,
    );
  });

  test('finish once, with the last row, by the holder of the lease', async () => {
    const sandbox = await runningSandbox();
    const execution = runningExecution(sandbox);
    await stores.executions.start(execution, 8);
    const row = { executionId: execution.id, firstSeq: 1, lastSeq: 1, segmentKey: 'k' };
    expect(await stores.executions.finish(execution.id, sandbox.id, 2, end(1), row)).toBe(false);
    expect(await stores.output.lastRow(execution.id)).toBeUndefined();
    expect(await stores.executions.finish(execution.id, sandbox.id, 1, end(1), row)).toBe(true);
    expect(await stores.executions.finish(execution.id, sandbox.id, 1, end(1), row)).toBe(false);
    expect(await stores.output.lastRow(execution.id)).toEqual(row);
    expect(await stores.executions.get(execution.id)).toMatchObject({
      status: 'finished',
      exitCode: 0,
      lastSeq: 1,
    });
    expect((await stores.sandboxes.get(sandbox.id))?.runningExecutions).toBe(0);
    expect(await stores.executions.lapsed(iso(Date.now() + 60_000), 100)).not.toContainEqual(
      expect.objectContaining({ id: execution.id }),
    );
  });

  test('are listed newest first', async () => {
    const sandbox = await runningSandbox();
    const ids: string[] = [];
    for (let n = 0; n < 3; n++) {
      const execution = runningExecution(sandbox, { createdAt: iso(1_700_000_000_000 + n) });
      await stores.executions.start(execution, 8);
      ids.unshift(execution.id);
    }
    expect(
      (await stores.executions.list(sandbox.id, { limit: 10 })).items.map(({ id }) => id),
    ).toEqual(ids);
  });
});

describe('the output rows', () => {
  test('a row is never replaced by a shorter one', async () => {
    const id = executionId();
    const row = (lastSeq: number) => ({
      executionId: id,
      firstSeq: 1,
      lastSeq,
      segmentKey: `to-${lastSeq}`,
    });
    await stores.output.append(row(5));
    await stores.output.append(row(3));
    expect(await stores.output.lastRow(id)).toEqual(row(5));
    await stores.output.append(row(7));
    expect(await stores.output.lastRow(id)).toEqual(row(7));
  });

  test('rows come in order of their first seq, forwards and backwards', async () => {
    const id = executionId();
    for (const firstSeq of [10, 1, 100, 2]) {
      await stores.output.append({ executionId: id, firstSeq, lastSeq: firstSeq, segmentKey: 's' });
    }
    expect((await stores.output.rowsAfter(id, 1)).map(({ firstSeq }) => firstSeq)).toEqual([
      2, 10, 100,
    ]);
    expect((await stores.output.rowsUpTo(id, 10)).map(({ firstSeq }) => firstSeq)).toEqual([
      10, 2, 1,
    ]);
  });
});
