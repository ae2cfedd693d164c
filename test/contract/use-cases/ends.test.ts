/** How a sandbox's life is changed and ends, over the real stores: whatever comes first, it ends once. */
import { describe, expect, test } from 'vitest';
import type { SandboxId } from '../../../contract/ids.ts';
import { startExecution } from '../../../core/execution/start-execution.ts';
import { onTaskStopped } from '../../../core/pool/task-events.ts';
import { createSandbox } from '../../../core/sandbox/create-sandbox.ts';
import { holdSandbox, launchSandbox, renewSandbox } from '../../../core/sandbox/lifecycle-steps.ts';
import { publishLeft } from '../../../core/sandbox/outbox.ts';
import { terminateSandbox } from '../../../core/sandbox/read-sandboxes.ts';
import { updateSandbox } from '../../../core/sandbox/update-sandbox.ts';
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
import { taskArnOf } from '../../helpers/records.ts';

let stores: Stores;
let world: LifeWorld;
forEachLife((life) => {
  ({ stores, world } = life);
});

const END = { end: true };
const terminate = (id: SandboxId) => terminateSandbox(world.deps, id, caller);
const hold = (sandboxId: SandboxId, token = 'hold') =>
  holdSandbox(world.deps, { sandboxId, token, prepare: false });
const extend = (id: SandboxId, lifetimeMs: number, deps = world.deps) =>
  updateSandbox(deps, { id, body: { lifetimeMs } }, caller);
const renew = (sandboxId: SandboxId, renewals = 0, deps = world.deps) =>
  renewSandbox(deps, { sandboxId, renewals });
const told = () => world.deps.lifecycle.told;

describe('a termination', () => {
  test('tells the step that waits, and again the same', async () => {
    const { id } = await runningSandbox(world);
    await hold(id);
    expect(told()).toEqual([]);
    const first = await terminate(id);
    expect(first).toMatchObject({ status: 'stopping', endReason: 'terminated' });
    expect(await terminate(id)).toEqual(first);
    // Whoever was first may have died before it told: so it is told at each ask.
    expect(told()).toEqual([
      { token: 'hold', answer: END },
      { token: 'hold', answer: END },
    ]);
  });

  test('before a step waits is found by it', async () => {
    const { id } = await runningSandbox(world);
    await terminate(id);
    expect(told()).toEqual([]);
    await hold(id, 'late');
    expect(told()).toEqual([{ token: 'late', answer: END }]);
  });

  test('at the same moment as a step begins to wait is told by one of the two', async () => {
    const { id } = await runningSandbox(world);
    await Promise.all([terminate(id), hold(id)]);
    expect(told()).toContainEqual({ token: 'hold', answer: END });
  });

  test('while its agent is initialised ends the creation as gone, and its task', async () => {
    const [launch] = await fill(world, 1);
    world.deps.gateway.before = async (_, line) => {
      if (line !== 'POST /init') return;
      const [item] = (await stores.sandboxes.list(caller.tenantId, { limit: 1 })).items;
      await terminate(item!.id);
    };
    const creating = createSandbox(world.deps, { body: { runtime: 'python' } }, caller);
    await expect(creating).rejects.toMatchObject({ code: 'SANDBOX_GONE' });
    const [item] = (await stores.sandboxes.list(caller.tenantId, { limit: 1 })).items;
    await end(world, item!.id);
    expect(await recordOf(world, item!.id)).toMatchObject({ endReason: 'terminated' });
    expect(world.deps.fleet.stopped).toEqual([taskArnOf(launch!)]);
  });

  test('while its task is launched ends with that task stopped, whenever it runs', async () => {
    const { id } = await missedSandbox(world);
    await launchSandbox(world.deps, { sandboxId: id, token: 'launch' });
    await terminate(id);
    expect(told()).toEqual([{ token: 'launch', answer: END }]);
    const { launchId } = world.deps.fleet.launched[0]!;
    expect(await runs(world, launchId)).toBe('not_wanted');
    await end(world, id);
    expect(world.deps.fleet.running.size).toBe(0);
    expect(await runs(world, launchId)).toBe('not_wanted');
    expect(await recordOf(world, id)).toMatchObject({ status: 'stopped', endReason: 'terminated' });
  });

  test('after its task died changes nothing', async () => {
    const { id, task } = await runningSandbox(world);
    await onTaskStopped(world.deps, task.launchId, 'task_died');
    expect(await terminate(id)).toMatchObject({ endReason: 'task_died' });
    await end(world, id);
    expect(await terminate(id)).toMatchObject({ status: 'stopped', endReason: 'task_died' });
  });

  test('of another tenant’s sandbox, or of none, is not found', async () => {
    const { id } = await runningSandbox(world);
    const other = { ...caller, tenantId: 'tnother' as typeof caller.tenantId };
    await expect(terminateSandbox(world.deps, id, other)).rejects.toMatchObject({
      code: 'SANDBOX_NOT_FOUND',
    });
    expect((await recordOf(world, id)).status).toBe('running');
  });
});

describe('an end', () => {
  test('reads the agent’s log, stops the task, frees the slot and tells the outside once', async () => {
    const { id, task, tenantId, slot } = await runningSandbox(world);
    await terminate(id);
    await end(world, id);
    const { calls } = world.deps.gateway;
    expect(calls.at(-1)?.line).toBe('GET /logs');
    // Nothing ran, so there was nothing to drain.
    expect(calls.map(({ line }) => line)).not.toContain('POST /drain');
    expect(world.deps.fleet.stopped).toEqual([task.taskArn]);
    expect(await stores.sandboxes.takenSlots(tenantId)).not.toContain(slot);
    expect(await stores.pool.get(task.launchId)).toBeUndefined();
    expect(world.published).toMatchObject([
      { type: 'SandboxTerminated', detail: { sandboxId: id, endReason: 'terminated' } },
    ]);
    await end(world, id);
    expect(world.published).toHaveLength(1);
    expect(world.deps.fleet.stopped).toHaveLength(1);
  });

  test('run twice at once is told once', async () => {
    const { id } = await runningSandbox(world);
    await Promise.all([end(world, id), end(world, id), end(world, id)]);
    expect(world.published).toHaveLength(1);
    expect(await stores.outbox.pending('9', 10)).toEqual([]);
  });

  test('drains what runs first, and an agent that does not answer does not hold it up', async () => {
    const { id, task } = await runningSandbox(world);
    const request = { sandboxId: id, body: { code: '1', language: 'python' } } as const;
    world.deps.gateway.dead.add(`POST /executions ${task.launchId}`);
    const started = startExecution({ ...world.deps, leaseMs: 15_000 }, request, caller);
    // It may have started, so it counts.
    await expect(started).rejects.toMatchObject({ code: 'AGENT_UNREACHABLE' });
    world.deps.gateway.dead.add(`GET /logs ${task.launchId}`);
    await end(world, id);
    expect(world.deps.gateway.calls.at(-1)?.line).toBe('POST /drain');
    expect(await recordOf(world, id)).toMatchObject({ status: 'stopped', endReason: 'expired' });
  });

  test('whose event could not be told is told by the minute’s run, once', async () => {
    const { id } = await runningSandbox(world);
    world.bus.isDown = true;
    await end(world, id);
    expect((await recordOf(world, id)).status).toBe('stopped');
    world.bus.isDown = false;
    expect(await publishLeft(world.deps)).toBe(0);
    world.pass(11_000);
    expect(await publishLeft(world.deps)).toBe(1);
    expect(await publishLeft(world.deps)).toBe(0);
    expect(world.published).toMatchObject([{ detail: { sandboxId: id } }]);
  });

  test('is not over while its task could not be stopped, and can be run again', async () => {
    const { id, task } = await runningSandbox(world);
    const { fleet } = world.deps;
    const broken = {
      ...fleet,
      stop: async () => Promise.reject(new Error('StopTask: ServerException')),
    };
    await expect(end({ ...world, deps: { ...world.deps, fleet: broken } }, id)).rejects.toThrow();
    expect((await recordOf(world, id)).status).toBe('stopping');
    await end(world, id);
    expect(fleet.stopped).toEqual([task.taskArn]);
  });
});

describe('a changed life', () => {
  test('a longer one is told to the agent first, and not to the lifecycle', async () => {
    const sandbox = await runningSandbox(world, 30_000);
    await hold(sandbox.id);
    const changed = await extend(sandbox.id, 90_000);
    expect(changed.expiresAt > sandbox.expiresAt).toBe(true);
    expect(world.deps.gateway.calls.at(-1)).toMatchObject({
      line: 'PUT /deadline',
      body: { expiresAt: changed.expiresAt },
    });
    expect(told()).toEqual([]);
  });

  test('a longer one that the agent does not hear of is refused and changes nothing', async () => {
    const sandbox = await runningSandbox(world, 30_000);
    world.deps.gateway.dead.add(`PUT /deadline ${sandbox.task.launchId}`);
    await expect(extend(sandbox.id, 90_000)).rejects.toMatchObject({ code: 'AGENT_UNREACHABLE' });
    expect((await recordOf(world, sandbox.id)).expiresAt).toBe(sandbox.expiresAt);
  });

  test('a shorter one ends the wait of the step, which waits anew', async () => {
    const sandbox = await runningSandbox(world, 90_000);
    await hold(sandbox.id);
    await extend(sandbox.id, 10_000);
    expect(told()).toEqual([{ token: 'hold', answer: { seconds: 10 } }]);
    world.pass(10_000);
    expect(await renew(sandbox.id)).toMatchObject({ end: true });
  });

  test('is at most the longest from its start, extensions included', async () => {
    const { id } = await runningSandbox(world);
    world.pass(50_000);
    await expect(extend(id, 71_000)).rejects.toMatchObject({ code: 'VALIDATION_ERROR' });
    await extend(id, 69_000);
  });

  test('after its expiry there is none, before the record says so', async () => {
    const { id } = await runningSandbox(world, 10_000);
    world.pass(10_001);
    await expect(extend(id, 60_000)).rejects.toMatchObject({ code: 'SANDBOX_GONE' });
    const run = { sandboxId: id, body: { code: '1' } } as const;
    await expect(
      startExecution({ ...world.deps, leaseMs: 15_000 }, run, caller),
    ).rejects.toMatchObject({ code: 'SANDBOX_GONE' });
  });

  test('one that the agent hears of after the expiry comes too late', async () => {
    const { id, expiresAt } = await runningSandbox(world, 10_000);
    world.deps.gateway.before = async () => world.pass(11_000);
    await expect(extend(id, 60_000)).rejects.toMatchObject({ code: 'SANDBOX_GONE' });
    expect((await recordOf(world, id)).expiresAt).toBe(expiresAt);
  });

  test('that another has made longer meanwhile tells the step that waits for the longer one', async () => {
    const { id } = await runningSandbox(world, 30_000);
    await hold(id);
    let others = 0;
    world.deps.gateway.before = async () => {
      others += 1;
      if (others === 1) await extend(id, 100_000);
    };
    await extend(id, 60_000);
    expect(told()).toEqual([{ token: 'hold', answer: { seconds: 60 } }]);
  });

  test('that was shortened before a step could be told is found by it', async () => {
    const { id } = await runningSandbox(world, 60_000);
    const { clock } = world.deps;
    const step = { sandboxId: id, prepare: false, enteredAt: clock.iso(clock.nowMs()) };
    await holdSandbox(world.deps, { ...step, token: 'fits', seconds: 61 });
    expect(told()).toEqual([]);
    await holdSandbox(world.deps, { ...step, token: 'long', seconds: 300 });
    expect(told()).toEqual([{ token: 'long', answer: { seconds: 60 } }]);
  });

  test('name and metadata change without the agent', async () => {
    const { id, expiresAt } = await runningSandbox(world);
    const calls = world.deps.gateway.calls.length;
    const body = { name: 'new', metadata: { a: '1' } };
    expect(await updateSandbox(world.deps, { id, body }, caller)).toMatchObject({
      ...body,
      expiresAt,
    });
    expect(world.deps.gateway.calls).toHaveLength(calls);
  });
});

describe('an expiry', () => {
  test('comes by time, whoever waits', async () => {
    const { id } = await runningSandbox(world, 10_000);
    world.pass(9_000);
    expect(await renew(id)).toMatchObject({ end: false, seconds: 1 });
    world.pass(1_000);
    expect(await renew(id)).toMatchObject({ end: true });
    expect(await recordOf(world, id)).toMatchObject({ status: 'stopping', endReason: 'expired' });
  });

  test('after an extension waits for the new one, whose end it then is', async () => {
    const { id } = await runningSandbox(world, 10_000);
    world.pass(9_000);
    await extend(id, 60_000);
    world.pass(1_000);
    const { end, seconds } = await renew(id);
    expect([end, seconds]).toEqual([false, 59]);
    world.pass(seconds * 1000);
    expect(await renew(id)).toMatchObject({ end: true });
  });

  test('against an extension, at the same time: exactly one wins', async () => {
    const outcomes = [];
    for (let n = 0; n < 8; n++) {
      const { id, expiresAt } = await runningSandbox(world, 10_000);
      const at = (ms: number) => ({
        ...world.deps,
        clock: { ...world.deps.clock, nowMs: () => Date.parse(expiresAt) + ms },
      });
      const [renewed, extended] = await Promise.allSettled([
        renew(id, 0, at(0)),
        extend(id, 60_000, at(-1)),
      ]);
      const isEnd = renewed.status === 'fulfilled' && renewed.value.end;
      expect(isEnd).toBe(extended.status === 'rejected');
      if (extended.status === 'rejected')
        expect(extended.reason).toMatchObject({ code: 'SANDBOX_GONE' });
      outcomes.push(isEnd);
    }
    expect(outcomes).toHaveLength(8);
  });

  test('of a sandbox that ended, or of none, is an end', async () => {
    const { id } = await runningSandbox(world);
    await end(world, id);
    expect(await renew(id)).toMatchObject({ end: true });
    expect(await renew('sbaaaaaaaaaaaaaaaaaaaa' as SandboxId)).toMatchObject({ end: true });
  });

  test('a life that is extended all the time is waited for in long pieces', async () => {
    const { id } = await runningSandbox(world, 10_000);
    expect((await renew(id, 499)).seconds).toBeLessThanOrEqual(10);
    expect((await renew(id, 500)).seconds).toBe(90);
  });
});
