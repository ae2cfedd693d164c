/** A deployment that is paused and emptied: the use cases over the real stores. */
import { describe, expect, test } from 'vitest';
import { authenticate } from '../../../core/account/authenticate.ts';
import { KnownCallers } from '../../../core/account/known-callers.ts';
import { createTenant } from '../../../core/account/tenants.ts';
import { poolKeyOf } from '../../../core/pool/pool-task.ts';
import { refillPool } from '../../../core/pool/refill-pool.ts';
import { standing, stopAll } from '../../../core/pool/stop-all.ts';
import { createSandbox } from '../../../core/sandbox/create-sandbox.ts';
import {
  caller,
  end,
  fill,
  forEachLife,
  type LifeWorld,
  missedSandbox,
  recordOf,
  runningSandbox,
  type Stores,
} from '../../helpers/life-world.ts';
import { pool } from '../../helpers/records.ts';

const SETTLES_MS = 40_000;
const POOLS = [{ pool, target: 2 }];
const body = { runtime: 'python' } as const;

let stores: Stores;
let world: LifeWorld;
forEachLife((life) => {
  ({ stores, world } = life);
});

const deps = () => ({ ...world.deps, pauseSettlesMs: SETTLES_MS });
const stop = (hard = false) => stopAll(deps(), POOLS, { hard });

/** A key as the authorizer knows it. */
async function keyHolder() {
  const limits = { liveSandboxes: 10, requestsPerSecond: 10 };
  const { key } = await createTenant(world.deps, { name: 'acme' });
  const known = new KnownCallers({
    clock: world.deps.clock,
    rememberMs: 10_000,
    find: (sha256) => authenticate({ ...world.deps, limits }, sha256),
  });
  return async () => {
    const found = await known.get(world.deps.digest.sha256(key.apiKey));
    if (!found) throw new Error('the key is unknown');
    return found;
  };
}

describe('stop-all', () => {
  test('ends what runs, what is created and what is warm, and says what is left', async () => {
    const running = await runningSandbox(world);
    const missed = await missedSandbox(world);
    await fill(world, 1);
    await refillPool(world.deps, { pool, target: 2 });

    const first = await stop();
    expect(first).toMatchObject({ sandboxes: 2, settled: false, failed: [] });
    for (const { id } of [running, missed])
      expect(await recordOf(world, id)).toMatchObject({
        status: 'stopping',
        endReason: 'terminated',
      });
    expect(await stores.pool.seats(poolKeyOf(pool))).toEqual([]);
    // The sandbox's own task is its lifecycle's to stop.
    expect(first.tasks).toBe(1);

    for (const { id } of [running, missed]) await end(world, id);
    world.pass(SETTLES_MS);
    expect(await stop()).toEqual({
      pausedAt: first.pausedAt,
      settled: true,
      sandboxes: 0,
      tasks: 0,
      failed: [],
    });
  });

  test('hard stops the tasks of sandboxes that do not end, and of nobody else', async () => {
    await runningSandbox(world);
    const foreign = { taskArn: 'arn:foreign', launchId: undefined, createdMs: 0 };
    world.deps.fleet.running.set(foreign.taskArn, foreign);
    expect(await stop()).toMatchObject({ tasks: 1 });
    expect(await stop(true)).toMatchObject({ tasks: 0, sandboxes: 1 });
    expect([...world.deps.fleet.running.keys()]).toEqual([foreign.taskArn]);
  });

  test('one that cannot be told keeps no other from its end', async () => {
    await runningSandbox(world);
    const other = await missedSandbox(world);
    const requestEnd = stores.sandboxes.requestEnd.bind(stores.sandboxes);
    world.deps.sandboxes.requestEnd = async (id, asked) => {
      if (id !== other.id) throw new Error('throttled');
      return requestEnd(id, asked);
    };
    expect(await stop()).toMatchObject({ failed: ['Error: throttled'], sandboxes: 2 });
    expect(await recordOf(world, other.id)).toMatchObject({ status: 'stopping' });
  });
});

describe('a pause', () => {
  test('refuses creations with the reason, from its beginning to its end, after 10 s at most', async () => {
    const holder = await keyHolder();
    await createSandbox(world.deps, { body }, await holder());
    const { pausedAt } = await stop();
    // Known from before: nobody asks the tables for each request.
    expect(await holder()).not.toHaveProperty('pausedAt');
    world.pass(10_001);
    await expect(createSandbox(world.deps, { body }, await holder())).rejects.toMatchObject({
      code: 'CAPACITY_UNAVAILABLE',
      message: expect.stringContaining('--resume'),
      details: { pausedAt },
    });
    await stores.pauses.end();
    const after = await createSandbox(world.deps, { body }, await holder());
    expect(after.sandbox).toMatchObject({ status: 'creating' });
  });

  test('keeps its first time, and is told from what is not paused', async () => {
    expect(await standing(deps())).toEqual({ settled: false, sandboxes: 0, tasks: 0 });
    const { pausedAt } = await stop();
    world.pass(5_000);
    expect(await stop()).toMatchObject({ pausedAt });
  });

  test('costs a creation no request', async () => {
    const asked = async (work: () => Promise<unknown>) => {
      stores.counts.clear();
      await work();
      return stores.counts.get('GetItem') ?? 0;
    };
    expect(await asked(() => createSandbox(world.deps, { body }, caller))).toBe(0);
    const holder = await keyHolder();
    // Whose the secret is, the key, its tenant, the pause: once for all requests of 10 s.
    expect(await asked(holder)).toBe(4);
    expect(await asked(holder)).toBe(0);
  });
});
