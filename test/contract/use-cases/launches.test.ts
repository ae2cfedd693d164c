/** The launch of one sandbox's own task, and what the minute's run makes of lives that nobody moves. */
import { describe, expect, test } from 'vitest';
import type { SandboxId } from '../../../contract/ids.ts';
import { onTaskStopped } from '../../../core/pool/task-events.ts';
import { NoCapacity } from '../../../core/ports.ts';
import { createSandbox } from '../../../core/sandbox/create-sandbox.ts';
import { holdSandbox, launchSandbox } from '../../../core/sandbox/lifecycle-steps.ts';
import { reconcileSandboxes } from '../../../core/sandbox/reconcile.ts';
import { requestEnd } from '../../../core/sandbox/request-end.ts';
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
import { iso, taskArnOf } from '../../helpers/records.ts';

let stores: Stores;
let world: LifeWorld;
forEachLife((life) => {
  ({ stores, world } = life);
});

const told = () => world.deps.lifecycle.told;
const launch = (sandboxId: SandboxId, token = 'launch') =>
  launchSandbox(world.deps, { sandboxId, token });
const hold = (sandboxId: SandboxId, token = 'hold') =>
  holdSandbox(world.deps, { sandboxId, token, prepare: true });
const launched = () => world.deps.fleet.launched.map(({ launchId }) => launchId);

/** Launched and healthy, and not initialised. */
async function placedSandbox(): Promise<SandboxId> {
  const { id } = await missedSandbox(world);
  await launch(id);
  expect(await runs(world, launched()[0]!)).toBe('placed');
  return id;
}

describe('a launch', () => {
  test('has the size and network that were asked for, and no secret', async () => {
    const body = {
      runtime: 'python',
      resources: { cpu: 1.5, memoryMb: 4097, diskGb: 30 },
      network: { access: 'internet' },
      env: { SECRET: 'mine' },
    } as const;
    const { sandbox } = await createSandbox(world.deps, { body }, caller);
    await launch(sandbox.id);
    expect(world.deps.fleet.launched[0]?.spec).toEqual({
      cpu: 2,
      memoryMb: 5120,
      diskGb: 30,
      network: 'internet',
    });
  });

  test('completes its step when the task runs, and its life counts from then', async () => {
    const { id, createdAt } = await missedSandbox(world);
    await launch(id);
    world.pass(40_000);
    expect(told()).toEqual([]);
    expect(await runs(world, launched()[0]!)).toBe('placed');
    expect(told()).toEqual([{ token: 'launch', answer: { seconds: 60 } }]);
    const { expiresAt } = await recordOf(world, id);
    expect(Date.parse(expiresAt) - Date.parse(createdAt)).toBeGreaterThanOrEqual(100_000);
    await hold(id);
    expect(await recordOf(world, id)).toMatchObject({ status: 'running', expiresAt });
    expect(await recordOf(world, id)).not.toHaveProperty('env');
    expect(told()).toHaveLength(1);
  });

  test('its task told twice is placed once, and the step is told again', async () => {
    const id = await placedSandbox();
    const { expiresAt } = await recordOf(world, id);
    world.pass(5_000);
    expect(await runs(world, launched()[0]!)).toBe('not_wanted');
    expect(told().map(({ token }) => token)).toEqual(['launch', 'launch']);
    expect((await recordOf(world, id)).expiresAt).toBe(expiresAt);
    expect(world.deps.fleet.stopped).toEqual([]);
    await hold(id);
    expect(await runs(world, launched()[0]!)).toBe('not_wanted');
    expect(told()).toHaveLength(2);
  });

  test('whose task runs before RunTask has answered is placed all the same', async () => {
    const { id } = await missedSandbox(world);
    world.deps.fleet.duringLaunch = async (launchId) => void (await runs(world, launchId));
    await launch(id);
    expect((await recordOf(world, id)).task?.launchId).toBe(launched()[0]);
    expect(world.deps.fleet.stopped).toEqual([]);
    await end(world, id);
    expect(world.deps.fleet.running.size).toBe(0);
  });

  test.each([
    [new NoCapacity('RunTask: RESOURCE:CPU'), 'NoCapacity'],
    [new Error('RunTask: AccessDenied'), 'LaunchFailed'],
  ])('that fails with %s fails its step as %s and leaves no row', async (refusal, error) => {
    const { id } = await missedSandbox(world);
    const { ownLaunch } = (await recordOf(world, id)) as { ownLaunch?: never };
    world.deps.fleet.refusals.push(refusal);
    await launch(id);
    expect(told()).toEqual([{ token: 'launch', answer: { error, cause: refusal.message } }]);
    expect(await stores.pool.get(ownLaunch!)).toBeUndefined();
    // The step is tried again.
    await launch(id, 'second');
    expect(launched()).toEqual([ownLaunch]);
  });

  test('whose sandbox ended meanwhile leaves no task behind', async () => {
    const { id } = await missedSandbox(world);
    world.deps.fleet.duringLaunch = async () => {
      await requestEnd(world.deps, { id, reason: 'terminated' });
      await end(world, id);
    };
    await launch(id);
    expect(world.deps.fleet.stopped).toEqual([taskArnOf(launched()[0]!)]);
    expect(world.deps.fleet.running.size).toBe(0);
  });

  test('whose sandbox ended before starts nothing', async () => {
    const { id } = await missedSandbox(world);
    await requestEnd(world.deps, { id, reason: 'terminated' });
    await launch(id);
    expect(launched()).toEqual([]);
    expect(told()).toHaveLength(1);
  });

  test('whose task dies before it is ready ends its sandbox as launch_failed', async () => {
    const { id } = await missedSandbox(world);
    await launch(id);
    await onTaskStopped(world.deps, launched()[0]!, 'task_died');
    expect(told()).toEqual([{ token: 'launch', answer: { end: true } }]);
    await end(world, id);
    expect(await recordOf(world, id)).toMatchObject({ endReason: 'launch_failed' });
    expect(await stores.sandboxes.takenSlots(caller.tenantId)).toEqual([]);
  });

  test('whose agent never becomes healthy ends its sandbox as init_timeout', async () => {
    const { id } = await missedSandbox(world);
    await launch(id);
    const [launchId] = launched();
    world.deps.gateway.dead.add(`GET /health ${launchId}`);
    expect(await runs(world, launchId!)).toBe('not_healthy');
    expect(world.deps.fleet.stopped).toEqual([taskArnOf(launchId!)]);
    expect(await recordOf(world, id)).toMatchObject({ endReason: 'init_timeout' });
  });

  test('whose agent does not take it ends it as init_timeout, after three tries', async () => {
    const id = await placedSandbox();
    world.deps.gateway.dead.add(`POST /init ${launched()[0]}`);
    await hold(id);
    expect(told().at(-1)).toEqual({ token: 'hold', answer: { end: true } });
    await end(world, id);
    expect(await recordOf(world, id)).toMatchObject({ endReason: 'init_timeout' });
  });
});

describe('the minute’s look at lives', () => {
  const minute = () => reconcileSandboxes(world.deps);
  const NOTHING = { started: [], ended: [], failed: [] };

  test('leaves alone what is in order', async () => {
    await runningSandbox(world, 60_000);
    await missedSandbox(world);
    world.pass(60_000 + 119_000);
    expect(await minute()).toEqual(NOTHING);
  });

  test('begins the life of a creation whose function died, which then runs', async () => {
    await fill(world, 1);
    world.deps.lifecycle.refusals.push(new Error('died'));
    const { promise: died, resolve: die } = Promise.withResolvers<void>();
    world.deps.gateway.before = () => {
      die();
      return new Promise(() => {});
    };
    // Nobody hears of it any more.
    void createSandbox(world.deps, { body: { runtime: 'python' } }, caller);
    await died;
    world.deps.gateway.before = async () => {};
    const [item] = (await stores.sandboxes.list(caller.tenantId, { limit: 1 })).items;
    world.pass(59_000);
    expect(await minute()).toEqual(NOTHING);
    world.pass(2_000);
    expect(await minute()).toMatchObject({ started: [item!.id], ended: [] });
    expect(world.deps.lifecycle.started).toMatchObject([{ sandboxId: item!.id, start: 'repair' }]);
    await hold(item!.id);
    expect((await recordOf(world, item!.id)).status).toBe('running');
  });

  test('begins a launch that was never begun', async () => {
    world.deps.lifecycle.refusals.push(new Error('StartExecution: died'));
    const { id } = await missedSandbox(world);
    world.pass(241_000);
    expect(await minute()).toMatchObject({ started: [id], ended: [] });
    expect(world.deps.lifecycle.started).toMatchObject([{ sandboxId: id, start: 'launch' }]);
    expect(await minute()).toEqual(NOTHING);
    await launch(id);
    expect(await runs(world, launched()[0]!)).toBe('placed');
  });

  test('ends a creation whose lifecycle came to nothing', async () => {
    const { id } = await missedSandbox(world);
    world.pass(241_000);
    expect(await minute()).toMatchObject({ started: [], ended: [id] });
    expect(await recordOf(world, id)).toMatchObject({
      status: 'stopped',
      endReason: 'init_timeout',
    });
    expect(await minute()).toEqual(NOTHING);
  });

  test('ends an end that was left, with the reason it has', async () => {
    const { id, task } = await runningSandbox(world);
    await requestEnd(world.deps, { id, reason: 'terminated' });
    world.pass(59_000);
    expect(await minute()).toEqual(NOTHING);
    world.pass(2_000);
    expect(await minute()).toMatchObject({ started: [], ended: [id] });
    expect(await recordOf(world, id)).toMatchObject({ status: 'stopped', endReason: 'terminated' });
    expect(world.deps.fleet.stopped).toEqual([task.taskArn]);
  });

  test('ends one that runs two minutes past its expiry, and tells its lifecycle', async () => {
    const { id } = await runningSandbox(world, 60_000);
    await holdSandbox(world.deps, { sandboxId: id, token: 'hold', prepare: false });
    world.pass(60_000 + 121_000);
    expect(await minute()).toMatchObject({ started: [], ended: [id] });
    expect(told()).toEqual([{ token: 'hold', answer: { end: true } }]);
    expect(await recordOf(world, id)).toMatchObject({ status: 'stopped', endReason: 'expired' });
    expect(world.published).toHaveLength(1);
  });

  test('ends none that runs before its expiry, whatever the index says of it', async () => {
    const { id } = await runningSandbox(world, 100_000);
    await stores.sandboxes.postpone({ id, status: 'running' }, iso(0));
    expect(await minute()).toEqual(NOTHING);
    expect((await recordOf(world, id)).status).toBe('running');
    world.pass(100_000 + 119_000);
    expect(await minute()).toEqual(NOTHING);
  });

  test('goes on to the others where one cannot be ended', async () => {
    const stuck = await runningSandbox(world, 60_000);
    const other = await runningSandbox(world, 60_000);
    world.pass(60_000 + 121_000);
    const fleet = world.deps.fleet;
    const stop = fleet.stop.bind(fleet);
    fleet.stop = async (taskArn, reason) => {
      if (taskArn === stuck.task.taskArn) throw new Error('StopTask: no answer');
      return stop(taskArn, reason);
    };
    expect(await minute()).toEqual({
      started: [],
      ended: [other.id],
      failed: ['Error: StopTask: no answer'],
    });
    expect((await recordOf(world, stuck.id)).status).toBe('stopping');
  });

  test('gives one that has no lifecycle a life, which ends it', async () => {
    world.deps.lifecycle.refusals.push(new Error('StartExecution: died'));
    const { id } = await runningSandbox(world, 60_000);
    world.pass(60_000 + 121_000);
    expect(await minute()).toMatchObject({ started: [id], ended: [] });
    expect(world.deps.lifecycle.started).toMatchObject([{ sandboxId: id, start: 'repair' }]);
  });
});
