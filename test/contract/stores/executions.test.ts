/** What the stores of executions, output and accounts promise, on the DynamoDB adapters over the stand-in. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LIMITS } from '../../../contract/limits.ts';
import { NOBODY } from '../../../core/execution/execution.ts';
import type { FinishedExecution } from '../../../core/execution/execution-store.ts';
import { startStores } from '../../helpers/dynamo-stores.ts';
import {
  creatingSandbox,
  executionId,
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

const LATER = iso(Date.now() + 600_000);
let seats = 0;
async function runningSandbox() {
  const starting = startingTask(seats++);
  const task = freed(starting);
  await stores.pool.takeSeat(starting);
  await stores.pool.markFree(task.launchId, task.taskArn, task.address.host);
  const sandbox = creatingSandbox(task);
  const creation = { sandbox, task, idempotency: undefined, overdueAt: LATER };
  expect(await stores.sandboxes.create(creation)).toBe('created');
  expect(await stores.sandboxes.markRunning(sandbox.id, iso(Date.now()), LATER)).toBe(true);
  return sandbox;
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
    const always = { unlessWatched: false };
    expect(await stores.executions.finish(execution.id, sandbox.id, 2, end(1), row, always)).toBe(
      'lost',
    );
    expect(await stores.output.lastRow(execution.id)).toBeUndefined();
    expect(await stores.executions.finish(execution.id, sandbox.id, 1, end(1), row, always)).toBe(
      'ended',
    );
    expect(await stores.executions.finish(execution.id, sandbox.id, 1, end(1), row, always)).toBe(
      'lost',
    );
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

  test('no more processes are kept than may wait for a reader, until one has been read', async () => {
    const sandbox = await runningSandbox();
    const lease = { owner: NOBODY, epoch: 0, until: LATER };
    const keep = async () => {
      const { language: _, ...rest } = runningExecution(sandbox, { pid: 7 });
      return { id: rest.id, isKept: await stores.executions.startProcess({ ...rest, lease }) };
    };
    const kept = await Promise.all(Array.from({ length: LIMITS.unreadPerSandbox }, keep));
    expect(kept.every(({ isKept }) => isKept)).toBe(true);
    expect((await keep()).isKept).toBe(false);
    const { id } = kept[0]!;
    const taken = { owner: randomUUID(), epoch: 1, until: LATER };
    await stores.executions.takeLease(id, taken, iso(Date.now()));
    const row = { executionId: id, firstSeq: 1, lastSeq: 1, segmentKey: 'k' };
    const condition = { unlessWatched: false, uncounted: true };
    await stores.executions.finish(id, sandbox.id, 1, end(1), row, condition);
    expect((await keep()).isKept).toBe(true);
  });

  test('a process is kept once, uncounted, and its log waits for the first who comes to read', async () => {
    const sandbox = await runningSandbox();
    const { language: _, ...rest } = runningExecution(sandbox, { pid: 7 });
    const lease = { owner: NOBODY, epoch: 0, until: LATER };
    const process = { ...rest, lease };
    const { executions } = stores;
    for (let again = 0; again < 2; again++)
      expect(await executions.startProcess(process)).toBe(true);
    expect(await stores.sandboxes.get(sandbox.id)).toMatchObject({
      runningExecutions: 0,
      unread: 1,
    });
    expect(await executions.get(process.id)).toEqual(process);
    const now = iso(Date.now());
    const taken = { owner: randomUUID(), epoch: 1, until: LATER };
    expect(await executions.takeLease(process.id, { ...taken, epoch: 2 }, now)).toBe(false);
    expect(await executions.takeLease(process.id, taken, now)).toBe(true);
    expect(await executions.takeLease(process.id, { ...taken, epoch: 2 }, now)).toBe(false);
    await executions.noteReader(process.id, LATER);
    await executions.renewLease(process.id, { ...lease, epoch: 1 });
    expect(await executions.get(process.id)).toMatchObject({
      readUntil: LATER,
      lease: { owner: NOBODY, epoch: 1, until: LATER },
    });
    const row = { executionId: process.id, firstSeq: 1, lastSeq: 1, segmentKey: 'k' };
    const condition = { unlessWatched: false, uncounted: true };
    expect(await executions.finish(process.id, sandbox.id, 1, end(1), row, condition)).toBe(
      'ended',
    );
    expect((await stores.sandboxes.get(sandbox.id))?.runningExecutions).toBe(0);
    const at = iso(Date.now());
    await stores.sandboxes.requestEnd(sandbox.id, { reason: 'expired', at, overdueAt: LATER });
    expect(await executions.startProcess({ ...process, id: executionId() })).toBe(false);
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
