/** Creation over the real stores: claims, slots, idempotency, agents that fail. */
import { describe, expect, test } from 'vitest';
import type { LaunchId } from '../../../contract/ids.ts';
import type { CreateSandboxBody } from '../../../contract/rest/sandboxes.ts';
import type { Caller } from '../../../core/account/caller.ts';
import type { IdempotencyKey } from '../../../core/account/idempotency.ts';
import { poolKeyOf } from '../../../core/pool/pool-task.ts';
import { createSandbox } from '../../../core/sandbox/create-sandbox.ts';
import { terminateSandbox } from '../../../core/sandbox/read-sandboxes.ts';
import {
  caller,
  end,
  fill,
  forEachLife,
  type LifeWorld,
  recordOf,
  type Stores,
} from '../../helpers/life-world.ts';
import { callerOf, launchId, pool, taskArnOf } from '../../helpers/records.ts';

const BODY: CreateSandboxBody = { runtime: 'python' };
let stores: Stores;
let world: LifeWorld;
forEachLife((life) => {
  ({ stores, world } = life);
});

const create = (body = BODY, by: Caller = caller, asked?: IdempotencyKey) =>
  createSandbox(world.deps, { body, asked }, by);
const many = <T>(count: number, make: () => Promise<T>) =>
  Promise.allSettled(Array.from({ length: count }, make));
const made = <T>(results: readonly PromiseSettledResult<T>[]): T[] =>
  results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
const refused = (results: readonly PromiseSettledResult<unknown>[]): unknown[] =>
  results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
const all = async ({ tenantId }: Caller) =>
  (await stores.sandboxes.list(tenantId, { limit: 100 })).items;
const freeTasks = async () =>
  (await stores.pool.allFree(poolKeyOf(pool))).map((task) => task.launchId);

describe('a creation from the pool', () => {
  test('claims a free task, gives its agent only hashes of the tokens, begins its life and runs', async () => {
    const [launch] = await fill(world, 1);
    const { sandbox, ready } = await create({ ...BODY, env: { SECRET: 'of the caller' } });
    expect([ready, sandbox.status]).toEqual([true, 'running']);
    const record = await recordOf(world, sandbox.id);
    expect(record).toMatchObject({ status: 'running', task: { launchId: launch } });
    expect(record).not.toHaveProperty('env');
    const { calls } = world.deps.gateway;
    for (const seen of [sandbox, calls, world.deps.lifecycle.started]) {
      expect(JSON.stringify(seen)).not.toContain(record.controlToken);
      expect(JSON.stringify(seen)).not.toContain(record.accessToken);
    }
    expect(world.deps.lifecycle.started).toEqual([
      { sandboxId: sandbox.id, start: 'claimed', expiresAt: sandbox.expiresAt },
    ]);
    expect(await freeTasks()).toEqual([]);
  });

  test('a hundred at once on a pool of a hundred are all hits, each with a task of its own', async () => {
    await fill(world, 100);
    const results = await many(100, () => create(BODY, callerOf()));
    expect(refused(results)).toEqual([]);
    expect(made(results).every(({ ready }) => ready)).toBe(true);
    const ids = made(results).map(({ sandbox }) => sandbox.id);
    const records = await Promise.all(ids.map((id) => recordOf(world, id)));
    expect(new Set(records.map(({ task }) => task?.launchId)).size).toBe(100);
    expect(await stores.pool.seats(poolKeyOf(pool))).toEqual([]);
  }, 60_000);

  test('of more than the pool has, the others are launched', async () => {
    await fill(world, 3);
    const results = await many(5, () => create());
    expect(made(results).filter(({ ready }) => ready)).toHaveLength(3);
    expect(made(results).filter(({ sandbox }) => sandbox.status === 'creating')).toHaveLength(2);
  });

  test('a task of another size or network is not taken', async () => {
    const [launch] = await fill(world, 1);
    for (const body of [
      { ...BODY, resources: { memoryMb: 2049 } },
      { ...BODY, resources: { diskGb: 21 } },
      { ...BODY, network: { access: 'internet' as const } },
    ])
      expect((await create(body)).ready).toBe(false);
    expect(await freeTasks()).toEqual([launch]);
  });

  test('a free row whose task another took is passed over', async () => {
    await fill(world, 2);
    const stale = (await stores.pool.allFree(poolKeyOf(pool))).map((task) => ({
      ...task,
      launchId: launchId(),
    }));
    const real = stores.pool;
    const free: typeof real.free = async (key, options) => [
      ...stale,
      ...(await real.free(key, options)),
    ];
    const deps = { ...world.deps, pool: { ...real, free } };
    expect((await createSandbox(deps, { body: BODY }, caller)).ready).toBe(true);
  });
});

describe('a creation that no pool has a task for', () => {
  test('is answered at once with an estimate, and its lifecycle launches', async () => {
    const { sandbox, ready } = await create();
    expect(ready).toBe(false);
    expect(sandbox.status).toBe('creating');
    const estimateMs = Date.parse(sandbox.estimatedReadyAt!) - Date.parse(sandbox.createdAt);
    expect(estimateMs).toBeGreaterThanOrEqual(45_000);
    expect(world.deps.lifecycle.started).toMatchObject([
      { sandboxId: sandbox.id, start: 'launch' },
    ]);
    expect(world.deps.fleet.launched).toEqual([]);
  });
});

describe('an agent that does not take its sandbox', () => {
  test('its task becomes bad and is stopped, and another is claimed', async () => {
    const [bad] = await fill(world, 1);
    world.deps.gateway.dead.add(`POST /init ${bad}`);
    world.deps.gateway.before = async (host) => {
      if (host === bad && world.deps.fleet.launched.length === 1) await fill(world, 1);
    };
    const { sandbox } = await create();
    expect(sandbox.status).toBe('running');
    expect(world.deps.fleet.stopped).toEqual([taskArnOf(bad!)]);
    expect((await stores.pool.get(bad as LaunchId))?.status).toBe('bad');
    expect((await recordOf(world, sandbox.id)).task?.launchId).not.toBe(bad);
  });

  test('three of them end it as a failure, whose end leaves nothing', async () => {
    const launches = await fill(world, 4);
    for (const launch of launches) world.deps.gateway.dead.add(`POST /init ${launch}`);
    await expect(create()).rejects.toMatchObject({ code: 'CAPACITY_UNAVAILABLE' });
    expect(world.deps.fleet.stopped).toHaveLength(3);
    const [record] = await all(caller);
    expect(record).toMatchObject({ status: 'stopping', endReason: 'init_timeout' });
    await end(world, record!.id);
    expect(await recordOf(world, record!.id)).toMatchObject({ status: 'stopped' });
    expect(await stores.sandboxes.takenSlots(caller.tenantId)).toEqual([]);
    expect(world.deps.fleet.running.size).toBe(1);
  });

  test('a lifecycle that cannot be begun does not lose the sandbox', async () => {
    await fill(world, 1);
    world.deps.lifecycle.refusals.push(new Error('StartExecution: throttled'));
    expect((await create()).sandbox.status).toBe('running');
    expect(world.errors).toEqual(['lifecycle not started']);
  });
});

describe('the slots of a tenant', () => {
  const limited = (liveSandboxes: number) =>
    callerOf({ limits: { liveSandboxes, requestsPerSecond: 1_000 } });

  test('a burst of 100 at a limit of 10 makes exactly 10, and each end frees its slot', async () => {
    const tenant = limited(10);
    const results = await many(100, () => create(BODY, tenant));
    expect(made(results)).toHaveLength(10);
    expect(refused(results)).toHaveLength(90);
    for (const error of refused(results))
      expect(error).toMatchObject({ code: 'RESOURCE_LIMIT_ERROR', details: { allowed: 10 } });
    expect(await all(tenant)).toHaveLength(10);
    const slots = await stores.sandboxes.takenSlots(tenant.tenantId);
    expect(slots.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 10 }, (_, n) => n));
    for (const { sandbox } of made(results)) await end(world, sandbox.id);
    expect(await stores.sandboxes.takenSlots(tenant.tenantId)).toEqual([]);
  }, 60_000);

  test('of two tenants do not meet', async () => {
    const tenants = [limited(5), limited(5)];
    const bursts = await Promise.all(tenants.map((each) => many(8, () => create(BODY, each))));
    for (const results of bursts) expect(made(results)).toHaveLength(5);
  });

  test('are taken until the end is over, and one that is free again is found', async () => {
    const tenant = limited(2);
    const [first] = made(await many(2, () => create(BODY, tenant)));
    await terminateSandbox(world.deps, first!.sandbox.id, tenant);
    await expect(create(BODY, tenant)).rejects.toMatchObject({ code: 'RESOURCE_LIMIT_ERROR' });
    await end(world, first!.sandbox.id);
    expect(made(await many(3, () => create(BODY, tenant)))).toHaveLength(1);
  });

  test('are not taken by a creation that was refused', async () => {
    const asked = { ...BODY, lifetimeMs: world.deps.maxLifetimeMs + 1 };
    await expect(create(asked)).rejects.toMatchObject({ code: 'VALIDATION_ERROR' });
    const closed = { ...world.deps, internet: false };
    const body = { ...BODY, network: { access: 'internet' as const } };
    await expect(createSandbox(closed, { body }, caller)).rejects.toThrow(/network\.access/);
    expect(await stores.sandboxes.takenSlots(caller.tenantId)).toEqual([]);
  });
});

describe('the ceiling of the deployment', () => {
  test('holds in a burst of many tenants, says nothing of the others, and each end makes room', async () => {
    const narrow = { ...world.deps, maxLiveSandboxes: 4 };
    const burst = (count: number) =>
      many(count, () => createSandbox(narrow, { body: BODY }, callerOf()));
    const results = await burst(12);
    expect(made(results)).toHaveLength(4);
    for (const error of refused(results))
      expect(error).toMatchObject({ code: 'CAPACITY_UNAVAILABLE', retryAfterSeconds: 30 });
    const [first] = made(results);
    const { tenantId } = await recordOf(world, first!.sandbox.id);
    await terminateSandbox(narrow, first!.sandbox.id, callerOf({ tenantId }));
    expect(made(await burst(1))).toHaveLength(0);
    await end(world, first!.sandbox.id);
    expect(made(await burst(3))).toHaveLength(1);
    for (const { sandbox } of made(results).slice(1)) await end(world, sandbox.id);
    expect(await stores.sandboxes.takenSlots('deployment')).toHaveLength(1);
  }, 60_000);
});

describe('a creation under an Idempotency-Key', () => {
  const asked = (over: Partial<IdempotencyKey> = {}): IdempotencyKey => ({
    operation: 'createSandbox',
    key: 'again',
    bodySha256: 'a'.repeat(64),
    ...over,
  });

  test('the same body again gets the same sandbox, as it then is', async () => {
    await fill(world, 2);
    const first = await create(BODY, caller, asked());
    await terminateSandbox(world.deps, first.sandbox.id, caller);
    const again = await create(BODY, caller, asked());
    expect(again.sandbox).toMatchObject({ id: first.sandbox.id, status: 'stopping' });
    expect(await all(caller)).toHaveLength(1);
    expect(await freeTasks()).toHaveLength(1);
  });

  test('also while the first is still running: of ten at once there is one', async () => {
    await fill(world, 3);
    const results = await many(10, () => create(BODY, caller, asked()));
    expect(refused(results)).toEqual([]);
    expect(new Set(made(results).map(({ sandbox }) => sandbox.id)).size).toBe(1);
    expect(await all(caller)).toHaveLength(1);
    expect(await stores.sandboxes.takenSlots(caller.tenantId)).toHaveLength(1);
    expect(await freeTasks()).toHaveLength(2);
  });

  test('another body is a conflict, and makes nothing', async () => {
    await create(BODY, caller, asked());
    const other = asked({ bodySha256: 'b'.repeat(64) });
    await expect(create(BODY, caller, other)).rejects.toMatchObject({
      code: 'IDEMPOTENCY_CONFLICT',
    });
    expect(await all(caller)).toHaveLength(1);
  });

  test('the key of another tenant, and one of yesterday, are other keys', async () => {
    const first = await create(BODY, caller, asked());
    const others = await create(BODY, callerOf(), asked());
    world.pass(24 * 3_600_000 + 1);
    const late = await create(BODY, caller, asked());
    const ids = [first, others, late].map(({ sandbox }) => sandbox.id);
    expect(new Set(ids).size).toBe(3);
  });
});
