/** The pool's use cases over the real stores, with an agent and a fleet that can be told to fail. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LaunchId } from '../../../contract/ids.ts';
import { DEFAULT_POOL, type FreeTask } from '../../../core/pool/pool-task.ts';
import { refillPool } from '../../../core/pool/refill-pool.ts';
import { onTaskRunning, onTaskStopped } from '../../../core/pool/task-events.ts';
import { type AgentCall, AgentUnreachable } from '../../../core/ports.ts';
import { createSandbox } from '../../../core/sandbox/create-sandbox.ts';
import { endOverdue } from '../../../core/sandbox/end-overdue.ts';
import { closeSandbox, endSandbox } from '../../../core/sandbox/end-sandbox.ts';
import { clock, digest, ids } from '../../../lambdas/shared/system.ts';
import { startStores } from '../../helpers/dynamo-stores.ts';
import { callerOf, creatingSandbox, iso } from '../../helpers/records.ts';

let stores: Awaited<ReturnType<typeof startStores>>;
let world: ReturnType<typeof makeWorld>;
beforeEach(async () => {
  stores = await startStores();
  world = makeWorld();
});
afterEach(() => stores.close());

const caller = callerOf({ role: 'developer' });
const arnOf = (launchId: string) => `arn:aws:ecs:us-east-1:000000000000:task/cluster/${launchId}`;

/** Every use case's deps, and what was done to the outside. */
function makeWorld() {
  const launched: LaunchId[] = [];
  const stopped: string[] = [];
  const calls: string[] = [];
  const failingInits = new Set<string>();
  const deps = {
    ...stores,
    clock,
    ids,
    digest,
    poolWaitMs: 300,
    defaultLifetimeMs: 60_000,
    maxLifetimeMs: 120_000,
    refill: { request: async () => {} },
    fleet: {
      launch: async (launchId: LaunchId) => {
        launched.push(launchId);
        return { taskArn: arnOf(launchId) };
      },
      stop: async (taskArn: string) => void stopped.push(taskArn),
      check: async () => {},
    },
    gateway: {
      call: async (address: string, { method, path, body }: AgentCall) => {
        calls.push(`${method} ${path}`);
        if (path === '/init' && failingInits.has(address)) throw new AgentUnreachable('refused');
        if (path === '/health')
          return answer({ status: 'ok', protocol: 1, taskId: address, initialized: false });
        if (path === '/init')
          return answer({ sandboxId: (body as { sandboxId: string }).sandboxId, protocol: 1 });
        return answer({ killed: [], unread: [] });
      },
      stream: async () => {
        throw new AgentUnreachable('no streams here');
      },
    },
  };
  return { launched, stopped, calls, failingInits, deps };
}

const answer = (json: unknown) => ({ status: 200, body: JSON.stringify(json) });

/** A task's address is its launch id here, so that each agent is told from another. */
const runs = (launchId: LaunchId) =>
  onTaskRunning(world.deps, { launchId, taskArn: arnOf(launchId), address: launchId });

async function fill(target: number): Promise<void> {
  await refillPool(world.deps, DEFAULT_POOL, target);
  for (const launchId of world.launched) await runs(launchId);
}

describe('refill', () => {
  test('twenty refills at once launch as many tasks as there are seats', async () => {
    await Promise.all(Array.from({ length: 20 }, () => refillPool(world.deps, DEFAULT_POOL, 5)));
    expect(world.launched).toHaveLength(5);
    expect(await stores.pool.seats(DEFAULT_POOL)).toHaveLength(5);
  });

  test('a launch that fails gives its seat back and says why', async () => {
    const fleet = {
      ...world.deps.fleet,
      launch: async () => {
        throw new Error('RunTask: RESOURCE:CPU');
      },
    };
    const report = await refillPool({ ...world.deps, fleet }, DEFAULT_POOL, 2);
    expect(report).toEqual({
      launched: 0,
      failed: ['RunTask: RESOURCE:CPU', 'RunTask: RESOURCE:CPU'],
    });
    expect(await stores.pool.seats(DEFAULT_POOL)).toEqual([]);
  });

  test('a launch that came to nothing is stopped and its seat given back', async () => {
    await refillPool(world.deps, DEFAULT_POOL, 1);
    const later = { ...clock, nowMs: () => clock.nowMs() + 200_000 };
    await refillPool({ ...world.deps, clock: later }, DEFAULT_POOL, 1);
    expect(world.stopped).toEqual([arnOf(world.launched[0] ?? '')]);
    await refillPool(world.deps, DEFAULT_POOL, 1);
    expect(world.launched).toHaveLength(2);
  });
});

describe('create', () => {
  test('claims a free task, gives its agent only hashes of the tokens, and runs', async () => {
    await fill(1);
    const sandbox = await createSandbox(world.deps, { runtime: 'python' }, caller);
    expect(sandbox.status).toBe('running');
    expect(JSON.stringify(sandbox)).not.toMatch(/[0-9a-f]{64}/);
    expect(await stores.pool.free(DEFAULT_POOL, 10)).toEqual([]);
  });

  test('of many at once each gets a task of its own, and the rest are refused', async () => {
    await fill(3);
    const made = await Promise.allSettled(
      Array.from({ length: 5 }, () => createSandbox(world.deps, { runtime: 'python' }, caller)),
    );
    expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    for (const result of made) {
      if (result.status === 'rejected')
        expect(result.reason).toMatchObject({ code: 'CAPACITY_UNAVAILABLE', retryAfterSeconds: 5 });
    }
    expect((await stores.sandboxes.list(caller.tenantId, { limit: 50 })).items).toHaveLength(3);
  });

  test('a task whose init fails becomes bad, is stopped, and another is claimed', async () => {
    await fill(2);
    const [bad] = world.launched;
    world.failingInits.add(bad ?? '');
    const sandbox = await createSandbox(
      { ...world.deps, ids: { ...ids, shuffle: badFirst } },
      { runtime: 'python' },
      caller,
    );
    expect(sandbox.status).toBe('running');
    expect(world.stopped).toEqual([arnOf(bad ?? '')]);
    expect((await stores.pool.get(bad as LaunchId))?.status).toBe('bad');
  });

  test('three bad tasks end it as a failure, with nothing left running', async () => {
    await fill(3);
    for (const launchId of world.launched) world.failingInits.add(launchId);
    await expect(createSandbox(world.deps, { runtime: 'python' }, caller)).rejects.toMatchObject({
      code: 'CAPACITY_UNAVAILABLE',
    });
    expect(world.stopped).toHaveLength(3);
    const { items } = await stores.sandboxes.list(caller.tenantId, { limit: 10 });
    for (const item of items)
      expect(item).toMatchObject({ status: 'stopped', endReason: 'init_timeout' });
  });

  function badFirst<T>(items: readonly T[]): T[] {
    return [...items].sort((a) =>
      world.failingInits.has((a as { launchId: string }).launchId) ? -1 : 1,
    );
  }
});

describe('the minute', () => {
  test('ends what nobody ended: a creation that died, a sandbox past its expiry', async () => {
    await fill(2);
    const sandbox = await createSandbox(world.deps, { runtime: 'python' }, caller);
    const [task] = await stores.pool.free(DEFAULT_POOL, 10);
    const stuck = creatingSandbox(task as FreeTask, { tenantId: caller.tenantId });
    await stores.sandboxes.claim(stuck, task as FreeTask, iso(Date.now() + 60_000));
    const at = (ms: number) => ({
      ...world.deps,
      clock: { ...clock, nowMs: () => Date.now() + ms },
    });

    expect(await endOverdue(at(0))).toBe(0);
    expect(await endOverdue(at(61_000))).toBe(1);
    expect(await stores.sandboxes.get(stuck.id)).toMatchObject({
      status: 'stopped',
      endReason: 'init_timeout',
    });
    expect(await endOverdue(at(181_000))).toBe(1);
    expect(await stores.sandboxes.get(sandbox.id)).toMatchObject({
      status: 'stopped',
      endReason: 'expired',
    });
    expect(world.stopped).toHaveLength(2);
    expect(await endOverdue(at(10_000_000))).toBe(0);
  });
});

describe('task events', () => {
  test('a task that is not healthy is given up only while nobody has it', async () => {
    await fill(1);
    const launchId = world.launched[0] as LaunchId;
    expect(await stores.pool.giveUp(launchId)).toBe(false);
    expect((await stores.pool.get(launchId))?.status).toBe('free');
  });

  test('twice, late and out of order do no harm', async () => {
    await refillPool(world.deps, DEFAULT_POOL, 1);
    const launchId = world.launched[0] as LaunchId;
    await onTaskStopped(world.deps, launchId);
    expect(await runs(launchId)).toBe('not_wanted');
    expect(world.stopped).toEqual([arnOf(launchId)]);
    await onTaskStopped(world.deps, launchId);
    expect(await stores.pool.seats(DEFAULT_POOL)).toEqual([]);
  });

  test('a second RUNNING does not free a claimed task', async () => {
    await fill(1);
    await createSandbox(world.deps, { runtime: 'python' }, caller);
    expect(await runs(world.launched[0] as LaunchId)).toBe('not_wanted');
    expect(await stores.pool.free(DEFAULT_POOL, 10)).toEqual([]);
  });

  test('a task that dies ends its sandbox with the reason, a terminated one keeps its own', async () => {
    await fill(2);
    const died = await createSandbox(world.deps, { runtime: 'python' }, caller);
    const record = await stores.sandboxes.get(died.id);
    await onTaskStopped(world.deps, record?.task.launchId as LaunchId);
    expect(await stores.sandboxes.get(died.id)).toMatchObject({
      status: 'stopped',
      endReason: 'task_died',
    });

    const ended = await createSandbox(world.deps, { runtime: 'python' }, caller);
    await endSandbox(world.deps, { id: ended.id, reason: 'terminated' });
    expect(
      await closeSandbox(world.deps, { id: ended.id, reason: 'task_died', stopTask: false }),
    ).toMatchObject({ status: 'stopped', endReason: 'terminated' });
  });

  test('a host that went away ends its sandboxes as host_restarted, also late, and gives the seats back', async () => {
    await fill(3);
    const body = { runtime: 'python', lifetimeMs: 1_000 } as const;
    const [lost, ending] = [
      await createSandbox(world.deps, body, caller),
      await createSandbox(world.deps, body, caller),
    ];
    await stores.sandboxes.requestEnd(ending.id, 'terminated');
    const later = { ...world.deps, clock: { ...clock, nowMs: () => clock.nowMs() + 3_600_000 } };
    for (const launchId of [...world.launched, ...world.launched])
      await onTaskStopped(later, launchId, 'host_restarted');
    const ends = await Promise.all([lost, ending].map(({ id }) => stores.sandboxes.get(id)));
    expect(ends).toMatchObject([
      { status: 'stopped', endReason: 'host_restarted' },
      { status: 'stopped', endReason: 'terminated' },
    ]);
    expect(await stores.pool.seats(DEFAULT_POOL)).toEqual([]);
    expect(await stores.pool.free(DEFAULT_POOL, 10)).toEqual([]);
  });
});
