/** The pool's use cases over the real stores, with agents and a fleet that can be told to fail. */
import { describe, expect, test } from 'vitest';
import type { LaunchId } from '../../../contract/ids.ts';
import { poolKeyOf } from '../../../core/pool/pool-task.ts';
import { recyclePools } from '../../../core/pool/recycle-pool.ts';
import { refillPool } from '../../../core/pool/refill-pool.ts';
import { onTaskRunning, onTaskStopped } from '../../../core/pool/task-events.ts';
import { createSandbox } from '../../../core/sandbox/create-sandbox.ts';
import { launchSandbox } from '../../../core/sandbox/lifecycle-steps.ts';
import {
  caller,
  end,
  fill,
  forEachLife,
  type LifeWorld,
  missedSandbox,
  recordOf,
  runningSandbox,
  runs,
  type Stores,
} from '../../helpers/life-world.ts';
import { launchId, pool, taskArnOf } from '../../helpers/records.ts';

const HOUR = 3_600_000;
const KEY = poolKeyOf(pool);
let stores: Stores;
let world: LifeWorld;
forEachLife((life) => {
  ({ stores, world } = life);
});

const freeTasks = async () => (await stores.pool.allFree(KEY)).map(({ launchId }) => launchId);
const recycle = (target = 1) => recyclePools(world.deps, [{ pool, target }]);

describe('refill', () => {
  test('of one seat launches for it alone, and for none that is taken or no longer there', async () => {
    const one = await refillPool(world.deps, { pool, target: 3 }, 1);
    const again = await refillPool(world.deps, { pool, target: 3 }, 1);
    const gone = await refillPool(world.deps, { pool, target: 3 }, 3);

    expect([one, again, gone].map(({ launched }) => launched)).toEqual([1, 0, 0]);
    expect((await stores.pool.seats(KEY)).map(({ seat }) => seat)).toEqual([1]);
  });

  test('twenty refills at once launch as many tasks as there are seats', async () => {
    await Promise.all(
      Array.from({ length: 20 }, () => refillPool(world.deps, { pool, target: 5 })),
    );
    expect(world.deps.fleet.launched).toHaveLength(5);
    expect(await stores.pool.seats(KEY)).toHaveLength(5);
  });

  test('a launch that fails gives its seat back and says why', async () => {
    const refusal = new Error('RunTask: RESOURCE:CPU');
    world.deps.fleet.refusals.push(refusal, refusal);
    expect(await refillPool(world.deps, { pool, target: 2 })).toEqual({
      launched: 0,
      failed: [refusal.message, refusal.message],
    });
    expect(await stores.pool.seats(KEY)).toEqual([]);
  });

  test('a launch that came to nothing is stopped and its seat given back', async () => {
    await refillPool(world.deps, { pool, target: 1 });
    world.pass(200_000);
    await refillPool(world.deps, { pool, target: 1 });
    const { stopped, launched } = world.deps.fleet;
    expect(stopped).toEqual([taskArnOf(launched[0]!.launchId)]);
    await refillPool(world.deps, { pool, target: 1 });
    expect(launched).toHaveLength(2);
  });

  test('a seat whose launch died before it had a task is given back sooner', async () => {
    const { deps } = world;
    const hangs = { ...deps.fleet, launch: () => new Promise<never>(() => {}) };
    void refillPool({ ...deps, fleet: hangs }, { pool, target: 1 });
    await expect.poll(() => stores.pool.seats(KEY)).toHaveLength(1);
    await refillPool(deps, { pool, target: 1 });
    expect(deps.fleet.launched).toEqual([]);
    world.pass(20_000);
    await refillPool(deps, { pool, target: 1 });
    await refillPool(deps, { pool, target: 1 });
    expect(deps.fleet.launched).toHaveLength(1);
  });
});

describe('task events of a pool', () => {
  test('a task whose agent answers as another task, or not at all, is stopped and its seat is free', async () => {
    await refillPool(world.deps, { pool, target: 2 });
    const [other, silent] = world.deps.fleet.launched.map(({ launchId }) => launchId);
    world.deps.gateway.dead.add(`GET /health ${silent}`);
    const wrongHost = { launchId: other!, taskArn: taskArnOf(other!), host: 'another' };
    expect(await onTaskRunning(world.deps, wrongHost)).toBe('not_healthy');
    expect(await runs(world, silent!)).toBe('not_healthy');
    expect(world.deps.fleet.stopped).toEqual([other, silent].map((id) => taskArnOf(id!)));
    expect(await stores.pool.seats(KEY)).toEqual([]);
  });

  test('a free task is not given up', async () => {
    const [launch] = await fill(world, 1);
    world.deps.gateway.dead.add(`GET /health ${launch}`);
    expect(await runs(world, launch!)).toBe('not_wanted');
    expect(await freeTasks()).toEqual([launch]);
  });

  test('a RUNNING told twice at once frees the task, and neither takes it for the other’s', async () => {
    await refillPool(world.deps, { pool, target: 3 });
    const launches = world.deps.fleet.launched.map(({ launchId }) => launchId);
    for (const launch of launches) {
      const outcomes = await Promise.all([runs(world, launch), runs(world, launch)]);
      expect(outcomes.toSorted()).toEqual(['free', 'not_wanted']);
    }
    expect((await freeTasks()).toSorted()).toEqual(launches.toSorted());
    expect(world.deps.fleet.stopped).toEqual([]);
  });

  test('a task that another found healthy is not given up by whoever did not reach it', async () => {
    await refillPool(world.deps, { pool, target: 1 });
    const { launchId } = world.deps.fleet.launched[0]!;
    world.deps.gateway.dead.add(`GET /health ${launchId}`);
    const { clock } = world.deps;
    const freedMeanwhile = {
      ...clock,
      sleep: async (ms: number) => {
        await stores.pool.markFree(launchId, taskArnOf(launchId), launchId);
        await clock.sleep(ms);
      },
    };
    const event = { launchId, taskArn: taskArnOf(launchId), host: launchId };
    expect(await onTaskRunning({ ...world.deps, clock: freedMeanwhile }, event)).toBe('not_wanted');
    expect(await freeTasks()).toEqual([launchId]);
    expect(world.deps.fleet.stopped).toEqual([]);
  });

  test('twice, late and out of order do no harm', async () => {
    await refillPool(world.deps, { pool, target: 1 });
    const { launchId } = world.deps.fleet.launched[0]!;
    await onTaskStopped(world.deps, launchId, 'task_died');
    expect(await runs(world, launchId)).toBe('not_wanted');
    expect(world.deps.fleet.stopped).toEqual([taskArnOf(launchId)]);
    await onTaskStopped(world.deps, launchId, 'task_died');
    expect(await stores.pool.seats(KEY)).toEqual([]);
  });

  test('a second RUNNING does not free a claimed task', async () => {
    const { task } = await runningSandbox(world);
    expect(await runs(world, task.launchId)).toBe('not_wanted');
    expect(await freeTasks()).toEqual([]);
    expect(world.deps.fleet.stopped).toEqual([]);
  });

  test('a task that dies ends its sandbox with the reason; of one that ends, the first reason stays', async () => {
    await fill(world, 2);
    const body = { runtime: 'python' } as const;
    const made = [
      await createSandbox(world.deps, { body }, caller),
      await createSandbox(world.deps, { body }, caller),
    ];
    const [died, ended] = made.map(({ sandbox }) => sandbox.id);
    await stores.sandboxes.requestEnd(ended!, { reason: 'terminated', at: 'a', overdueAt: 'b' });
    for (const id of [died!, ended!]) {
      const { task } = await recordOf(world, id);
      await onTaskStopped(world.deps, task!.launchId, 'task_died');
      await end(world, id);
    }
    expect(await recordOf(world, died!)).toMatchObject({ endReason: 'task_died' });
    expect(await recordOf(world, ended!)).toMatchObject({ endReason: 'terminated' });
  });

  test('a task that stopped at its deadline has expired, a host that went away has not', async () => {
    const expired = await runningSandbox(world, 10_000);
    const lost = await runningSandbox(world, 10_000);
    world.pass(71_000);
    await onTaskStopped(world.deps, expired.task.launchId, 'task_died');
    await onTaskStopped(world.deps, lost.task.launchId, 'host_restarted');
    expect(await recordOf(world, expired.id)).toMatchObject({ endReason: 'expired' });
    expect(await recordOf(world, lost.id)).toMatchObject({ endReason: 'host_restarted' });
  });
});

describe('the minute’s look at tasks', () => {
  test('leaves alone what is in order', async () => {
    const { task } = await runningSandbox(world);
    const [launch] = await fill(world, 1);
    world.pass(11 * HOUR);
    expect(await recycle()).toMatchObject({ retired: 0, orphans: 0 });
    expect(await freeTasks()).toEqual([launch]);
    expect(world.deps.fleet.running.has(task.taskArn)).toBe(true);
  });

  test('retires a free task at 12 h, and the next refill launches another', async () => {
    const [launch] = await fill(world, 1);
    world.pass(12 * HOUR + 1);
    expect(await recycle()).toMatchObject({ retired: 1, orphans: 0 });
    expect(world.deps.fleet.stopped).toEqual([taskArnOf(launch!)]);
    expect(await stores.pool.seats(KEY)).toEqual([]);
    expect(await fill(world, 1)).toHaveLength(1);
  });

  test('retires free tasks of another version, and no claimed one', async () => {
    const claimed = await runningSandbox(world);
    const [launch] = await fill(world, 1);
    const newer = { ...world.deps, version: `${world.deps.version}1` };
    expect((await recyclePools(newer, [{ pool, target: 1 }])).retired).toBe(1);
    expect(world.deps.fleet.stopped).toEqual([taskArnOf(launch!)]);
    expect((await recordOf(world, claimed.id)).status).toBe('running');
  });

  test('takes a free task out of the pool that the fleet does not know', async () => {
    const [launch] = await fill(world, 1);
    world.deps.fleet.running.delete(taskArnOf(launch!));
    expect((await recycle()).retired).toBe(1);
    expect(await stores.pool.get(launch!)).toBeUndefined();
    expect(await stores.pool.seats(KEY)).toEqual([]);
  });

  test('a task that becomes free while the fleet is asked is not taken for gone', async () => {
    await refillPool(world.deps, { pool, target: 1 });
    const { launchId } = world.deps.fleet.launched[0]!;
    const fleet = {
      ...world.deps.fleet,
      list: async () => {
        await runs(world, launchId);
        return [];
      },
    };
    await recyclePools({ ...world.deps, fleet }, [{ pool, target: 1 }]);
    expect(await freeTasks()).toEqual([launchId]);
  });

  test('a lowered target gives up the seats above it', async () => {
    await fill(world, 3);
    expect((await recycle(1)).retired).toBe(2);
    const seats = await stores.pool.seats(KEY);
    expect(seats.map(({ seat }) => seat)).toEqual([0]);
    expect(await freeTasks()).toEqual(seats.map(({ launchId }) => launchId));
  });

  test('a task that a caller claims at the same time is the caller’s', async () => {
    const [launch] = await fill(world, 1);
    world.pass(13 * HOUR);
    const [{ retired }] = await Promise.all([
      recycle(),
      createSandbox(world.deps, { body: { runtime: 'python' } }, caller),
    ]);
    const wasStopped = world.deps.fleet.stopped.includes(taskArnOf(launch!));
    expect(wasStopped).toBe(retired === 1);
    const { items } = await stores.sandboxes.list(caller.tenantId, { limit: 10 });
    expect(items[0]?.task?.launchId === launch).toBe(!wasStopped);
  });

  test('stops a task that no record asks for, after 180 s, and none of somebody else’s', async () => {
    const { fleet, clock } = world.deps;
    const ours = launchId();
    const [orphan, foreign] = [taskArnOf(ours), taskArnOf('somebody')];
    const createdMs = clock.nowMs();
    fleet.running.set(orphan, { taskArn: orphan, launchId: ours, createdMs });
    fleet.running.set(foreign, { taskArn: foreign, launchId: undefined, createdMs });
    world.pass(179_000);
    expect((await recycle()).orphans).toBe(0);
    world.pass(2_000);
    expect((await recycle()).orphans).toBe(1);
    expect(fleet.stopped).toEqual([orphan]);
  });

  test('stops what a stopped sandbox or a bad task left running', async () => {
    const sandbox = await runningSandbox(world);
    const { fleet, clock } = world.deps;
    const { taskArn, launchId } = sandbox.task;
    await end(world, sandbox.id);
    // StopTask was lost.
    fleet.running.set(taskArn, { taskArn, launchId, createdMs: clock.nowMs() });
    const [bad] = await fill(world, 1);
    await stores.pool.giveUp(bad!);
    world.pass(181_000);
    expect((await recycle()).orphans).toBe(2);
    expect([...fleet.running.keys()]).toEqual([]);
    expect(await stores.pool.get(bad!)).toBeUndefined();
  });

  test('leaves a launch of one sandbox to its lifecycle', async () => {
    const { id } = await missedSandbox(world);
    await launchSandbox(world.deps, { sandboxId: id, token: 't' });
    world.pass(200_000);
    expect((await recycle()).orphans).toBe(0);
    const { ownLaunch } = (await recordOf(world, id)) as { ownLaunch?: LaunchId };
    expect(world.deps.fleet.running.has(taskArnOf(ownLaunch!))).toBe(true);
  });
});
