/**
 * What the use cases of lives and pools need: the real stores, and around them a fleet, agents,
 * lifecycles and a bus that do nothing but remember. Time passes when a test says so, or when
 * somebody sleeps.
 */
import { afterEach, beforeEach } from 'vitest';
import type { LaunchId, SandboxId } from '../../contract/ids.ts';
import { refillPool } from '../../core/pool/refill-pool.ts';
import { onTaskRunning } from '../../core/pool/task-events.ts';
import type { DomainEvent } from '../../core/ports.ts';
import { createSandbox } from '../../core/sandbox/create-sandbox.ts';
import { endSandbox } from '../../core/sandbox/end-sandbox.ts';
import type { SandboxRecord } from '../../core/sandbox/sandbox.ts';
import { digest, ids, clock as system } from '../../lambdas/shared/system.ts';
import { startStores } from './dynamo-stores.ts';
import { fakeAgents, fakeFleet } from './fake-fleet.ts';
import { fakeLifecycle } from './fake-lifecycle.ts';
import { callerOf, pool, taskArnOf, VERSION } from './records.ts';

export type Stores = Awaited<ReturnType<typeof startStores>>;
export type LifeWorld = ReturnType<typeof lifeWorld>;

export const caller = callerOf({ role: 'developer' });

function passingClock() {
  let passedMs = 0;
  const pass = (ms: number) => {
    passedMs += ms;
  };
  const clock = {
    ...system,
    nowMs: () => Date.now() + passedMs,
    sleep: async (ms: number) => pass(ms),
  };
  return { clock, pass };
}

/** A new one for each test of a file, taken down after it. */
export function forEachLife(take: (life: { stores: Stores; world: LifeWorld }) => void): void {
  let stores: Stores;
  beforeEach(async () => {
    stores = await startStores();
    take({ stores, world: lifeWorld(stores) });
  });
  afterEach(() => stores.close());
}

export function lifeWorld(stores: Stores) {
  const { clock, pass } = passingClock();
  const published: DomainEvent[] = [];
  const bus = {
    isDown: false,
    async publish(event: DomainEvent) {
      if (bus.isDown) throw new Error('PutEvents: InternalFailure');
      published.push(event);
    },
  };
  const errors: string[] = [];
  const deps = {
    ...stores,
    clock,
    ids,
    digest,
    bus,
    fleet: fakeFleet(clock.nowMs),
    gateway: fakeAgents(),
    lifecycle: fakeLifecycle(),
    refill: { request: async () => {} },
    version: VERSION,
    internet: true,
    maxLiveSandboxes: 1_000_000,
    launchEstimateMs: 45_000,
    defaultLifetimeMs: 60_000,
    maxLifetimeMs: 120_000,
    relays: { start: async () => {} },
    onAgentLog: () => {},
    onLaunchFailed: () => {},
    onError: (what: string) => void errors.push(what),
  };
  return { deps, pass, published, bus, errors };
}

export const runs = ({ deps }: LifeWorld, launchId: LaunchId) =>
  onTaskRunning(deps, { launchId, taskArn: taskArnOf(launchId), host: launchId });

/** Fills the default pool; answers the launches. */
export async function fill(world: LifeWorld, target: number): Promise<LaunchId[]> {
  const { launched } = world.deps.fleet;
  const before = launched.length;
  await refillPool(world.deps, { pool, target });
  const fresh = launched.slice(before).map(({ launchId }) => launchId);
  await Promise.all(fresh.map((launchId) => runs(world, launchId)));
  return fresh;
}

/** As the lifecycle's last step does. */
export const end = ({ deps }: LifeWorld, id: SandboxId) =>
  endSandbox(deps, { id, reason: 'expired' });

export async function recordOf({ deps }: LifeWorld, id: SandboxId): Promise<SandboxRecord> {
  const record = await deps.sandboxes.get(id);
  if (!record) throw new Error(`no record of ${id}`);
  return record;
}

/** One that runs, from the pool. */
export async function runningSandbox(world: LifeWorld, lifetimeMs = 60_000) {
  await fill(world, 1);
  const body = { runtime: 'python', lifetimeMs } as const;
  const { sandbox } = await createSandbox(world.deps, { body }, caller);
  const record = await recordOf(world, sandbox.id);
  if (record.status !== 'running') throw new Error(`${sandbox.id} is ${record.status}`);
  return record;
}

/** One that no pool had a task for; its lifecycle has not begun its launch. */
export async function missedSandbox(world: LifeWorld) {
  const body = { runtime: 'python', resources: { cpu: 2 } } as const;
  const { sandbox } = await createSandbox(world.deps, { body }, caller);
  return sandbox;
}
