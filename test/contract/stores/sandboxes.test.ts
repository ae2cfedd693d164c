/** What the stores of pools, sandboxes and events promise: the DynamoDB adapters over the stand-in, and the model in memory. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FreeTask, poolKeyOf } from '../../../core/pool/pool-task.ts';
import type { DomainEvent } from '../../../core/ports.ts';
import type { CreatingSandbox, EndingSandbox } from '../../../core/sandbox/sandbox.ts';
import { startStores } from '../../helpers/dynamo-stores.ts';
import { memoryStores } from '../../helpers/memory-stores.ts';
import {
  creatingSandbox,
  freed,
  iso,
  launchId,
  pool,
  startingTask,
  tenantId,
} from '../../helpers/records.ts';

type Stores = Pick<
  Awaited<ReturnType<typeof startStores>>,
  'sandboxes' | 'pool' | 'outbox' | 'close'
>;
let stores: Stores;

const LATER = iso(Date.now() + 600_000);
let seats = 0;
async function freeTask() {
  const starting = startingTask(seats++);
  const task = freed(starting);
  expect(await stores.pool.takeSeat(starting)).toBe(true);
  expect(await stores.pool.markFree(task.launchId, task.taskArn, task.address.host)).toBe(true);
  return task;
}

const create = (sandbox: CreatingSandbox, task?: FreeTask) =>
  stores.sandboxes.create({ sandbox, task, idempotency: undefined, overdueAt: LATER });
const ended = (reason: 'terminated' | 'task_died') => ({
  reason,
  at: iso(Date.now()),
  overdueAt: LATER,
});

async function runningSandbox() {
  const task = await freeTask();
  const sandbox = creatingSandbox(task);
  expect(await create(sandbox, task)).toBe('created');
  expect(await stores.sandboxes.markRunning(sandbox.id, iso(Date.now()), LATER)).toBe(true);
  return sandbox;
}

const terminatedEvent = (at: string): DomainEvent => ({
  id: randomUUID(),
  type: 'SandboxTerminated',
  at,
  detail: { endReason: 'terminated' },
});

describe.each([
  ['DynamoDB', startStores],
  ['memory', async () => memoryStores()],
])('in %s', (_, start: () => Promise<Stores>) => {
  beforeAll(async () => {
    stores = await start();
  });
  afterAll(() => stores.close());

  describe('the pool', () => {
    test('a seat is taken by one launch only, and given back by the claim of its task', async () => {
      const first = startingTask(1000);
      expect(await stores.pool.takeSeat(first)).toBe(true);
      expect(await stores.pool.takeSeat(startingTask(1000))).toBe(false);
      const task = freed(first);
      await stores.pool.recordLaunch(task.launchId, task.taskArn);
      expect(await stores.pool.markFree(task.launchId, task.taskArn, task.address.host)).toBe(true);
      expect(await stores.pool.markFree(task.launchId, task.taskArn, task.address.host)).toBe(
        false,
      );
      expect(
        (await stores.pool.allFree(poolKeyOf(pool))).map(({ launchId }) => launchId),
      ).toContain(task.launchId);
      expect(await create(creatingSandbox(task), task)).toBe('created');
      expect((await stores.pool.seats(poolKeyOf(pool))).map(({ seat }) => seat)).not.toContain(
        1000,
      );
      expect(
        (await stores.pool.allFree(poolKeyOf(pool))).map(({ launchId }) => launchId),
      ).not.toContain(task.launchId);
    });

    test('of fifty claims of one task, one wins and only its sandbox exists', async () => {
      const task = await freeTask();
      const wanted = Array.from({ length: 50 }, () => creatingSandbox(task));
      const won = await Promise.all(wanted.map((sandbox) => create(sandbox, task)));
      expect(won.filter((outcome) => outcome === 'created')).toHaveLength(1);
      expect(won.filter((outcome) => outcome === 'task_taken')).toHaveLength(49);
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
      await create(sandbox, task);
      expect(await stores.sandboxes.get(sandbox.id)).toEqual(sandbox);
    });

    test('another task takes the place of a bad one while it is created', async () => {
      const [bad, good] = [await freeTask(), await freeTask()];
      const sandbox = creatingSandbox(bad);
      await create(sandbox, bad);
      expect(await stores.sandboxes.claimAnother(sandbox.id, bad.launchId, good)).toBe(true);
      expect((await stores.sandboxes.get(sandbox.id))?.task?.launchId).toBe(good.launchId);
      expect((await stores.pool.get(bad.launchId))?.status).toBe('bad');
    });

    test('the first reason of an end stays, and it ends once', async () => {
      const sandbox = await runningSandbox();
      const first = await stores.sandboxes.requestEnd(sandbox.id, ended('terminated'));
      expect(first).toMatchObject({ status: 'stopping', endReason: 'terminated' });
      expect(await stores.sandboxes.requestEnd(sandbox.id, ended('task_died'))).toEqual(first);
      const at = iso(Date.now());
      const ending = first as EndingSandbox;
      expect(await stores.sandboxes.markStopped(ending, at, terminatedEvent(at))).toBe(true);
      expect(await stores.sandboxes.markStopped(ending, at, terminatedEvent(at))).toBe(false);
      expect(await stores.sandboxes.requestEnd(sandbox.id, ended('task_died'))).toMatchObject({
        status: 'stopped',
        endReason: 'terminated',
      });
      expect(await stores.pool.get(sandbox.task.launchId)).toBeUndefined();
      expect(await stores.sandboxes.takenSlots(sandbox.tenantId)).toEqual([]);
    });

    test('an end writes its event beside it, and a second end none', async () => {
      const sandbox = await runningSandbox();
      const ending = await stores.sandboxes.requestEnd(sandbox.id, ended('terminated'));
      const events = [terminatedEvent(iso(1)), terminatedEvent(iso(2))] as const;
      for (const event of events)
        await stores.sandboxes.markStopped(ending as EndingSandbox, event.at, event);
      expect(await stores.outbox.pending(iso(3), 10)).toEqual([events[0]]);
      expect(await stores.outbox.pending(iso(1), 10)).toEqual([]);
      await stores.outbox.remove(events[0].id);
      expect(await stores.outbox.pending(iso(3), 10)).toEqual([]);
    });

    test('an expiry ends only what has expired, and then no extension is taken', async () => {
      const sandbox = await runningSandbox();
      const id = sandbox.id;
      const expiry = (expiredAt: string) =>
        stores.sandboxes.requestEnd(id, { ...ended('task_died'), reason: 'expired', expiredAt });
      const early = iso(Date.parse(sandbox.expiresAt) - 1);
      expect((await expiry(early))?.status).toBe('running');
      const change = (now: string, believed: string, expiresAt: string) =>
        stores.sandboxes.change(id, { now, expiresAt: believed }, { expiresAt });
      expect(await change(early, early, LATER)).toBeUndefined();
      expect((await change(early, sandbox.expiresAt, LATER))?.expiresAt).toBe(LATER);
      expect((await expiry(sandbox.expiresAt))?.status).toBe('running');
      expect(await change(LATER, LATER, iso(9e14))).toBeUndefined();
      expect(await expiry(LATER)).toMatchObject({ status: 'stopping', endReason: 'expired' });
      expect(await change(early, LATER, iso(9e14))).toBeUndefined();
    });

    test('a slot is one sandbox’s of its tenant until that has ended', async () => {
      const [first, second, other] = await Promise.all([freeTask(), freeTask(), freeTask()]);
      const tenant = tenantId();
      const mine = creatingSandbox(first, { tenantId: tenant, slot: 3 });
      expect(await create(mine, first)).toBe('created');
      expect(await create(creatingSandbox(second, { tenantId: tenant, slot: 3 }), second)).toBe(
        'slot_taken',
      );
      expect((await stores.pool.get(second.launchId))?.status).toBe('free');
      expect(await create(creatingSandbox(other, { slot: 3 }), other)).toBe('created');
      expect(await stores.sandboxes.takenSlots(tenant)).toEqual([3]);
    });

    test('a launched one is overdue by its own limit, then by its life, then no more', async () => {
      const ownLaunch = launchId();
      const { task: _, ...launched } = creatingSandbox(freed(startingTask()), { ownLaunch });
      expect(await create(launched)).toBe('created');
      expect(await stores.sandboxes.get(launched.id)).toEqual(launched);
      const overdue = async (now: string) =>
        (await stores.sandboxes.overdue(now, 100)).map(({ id }) => id).includes(launched.id);
      const [before, after] = [iso(Date.parse(LATER) - 1), iso(Date.parse(LATER) + 1)];
      expect([await overdue(before), await overdue(after)]).toEqual([false, true]);
      await stores.sandboxes.postpone(launched, after);
      expect(await overdue(after)).toBe(false);
      const first = await stores.sandboxes.requestEnd(launched.id, ended('terminated'));
      await stores.sandboxes.markStopped(first as EndingSandbox, LATER, terminatedEvent(LATER));
      await stores.sandboxes.postpone(launched, LATER);
      expect(await overdue(iso(9e14))).toBe(false);
    });

    test('a launch is placed once, and only in a sandbox that still waits for it', async () => {
      const place = async (over: Partial<CreatingSandbox>) => {
        const task = freed(startingTask());
        const { task: placed, ...wanted } = creatingSandbox(task, {
          ownLaunch: task.launchId,
          ...over,
        });
        await create(wanted);
        const { launchId: id, pool, network, version, launchedAt } = task;
        await stores.pool.putLaunching({
          launchId: id,
          pool,
          network,
          version,
          launchedAt,
          sandboxId: wanted.id,
          status: 'launching',
        });
        const times = { expiresAt: LATER, overdueAt: LATER };
        return { wanted, go: () => stores.sandboxes.place(wanted.id, { ...placed, pool }, times) };
      };
      const one = await place({});
      expect([await one.go(), await one.go()]).toEqual([true, false]);
      expect(await stores.sandboxes.get(one.wanted.id)).toMatchObject({ expiresAt: LATER });
      const other = await place({});
      await stores.sandboxes.requestEnd(other.wanted.id, ended('terminated'));
      expect(await other.go()).toBe(false);
      expect((await stores.sandboxes.get(other.wanted.id))?.task).toBeUndefined();
    });

    test('are listed newest first, in pages, per tenant', async () => {
      const tenant = tenantId();
      const ids: string[] = [];
      for (let n = 0; n < 5; n++) {
        const task = await freeTask();
        const sandbox = creatingSandbox(task, {
          tenantId: tenant,
          slot: n,
          createdAt: iso(1_700_000_000_000 + n),
        });
        await create(sandbox, task);
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
});

test('in DynamoDB a sandbox whose slot is not there ends all the same', async () => {
  await using dynamo = await startStores();
  const ownLaunch = launchId();
  const { task: _, ...sandbox } = creatingSandbox(freed(startingTask()), { ownLaunch });
  const creation = { sandbox, task: undefined, idempotency: undefined, overdueAt: LATER };
  expect(await dynamo.sandboxes.create(creation)).toBe('created');
  const { tenantId: owner, slot } = sandbox;
  await dynamo.state.entities.slot.delete({ owner, slot }).go();
  const ending = await dynamo.sandboxes.requestEnd(sandbox.id, ended('terminated'));
  const event = terminatedEvent(LATER);
  expect(await dynamo.sandboxes.markStopped(ending as EndingSandbox, LATER, event)).toBe(true);
});
