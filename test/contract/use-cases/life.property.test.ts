/**
 * The promise of lives: whatever is asked for and whatever fails, in whatever order, every sandbox
 * ends once and with a reason, no slot stays taken, no task runs that no live record asks for, and
 * nobody is served after an expiry.
 *
 * Most runs are over the stores' model in memory, which the suite of the stores holds to the real
 * ones; a few are over the real ones.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SandboxId } from '../../../contract/ids.ts';
import { startExecution } from '../../../core/execution/start-execution.ts';
import { createSandbox } from '../../../core/sandbox/create-sandbox.ts';
import { terminateSandbox } from '../../../core/sandbox/read-sandboxes.ts';
import type { SandboxRecord } from '../../../core/sandbox/sandbox.ts';
import { updateSandbox } from '../../../core/sandbox/update-sandbox.ts';
import { startStores } from '../../helpers/dynamo-stores.ts';
import { memoryStores } from '../../helpers/memory-stores.ts';
import {
  type LifeStores,
  ModelWorld,
  POOL_TARGET,
  type WorldFaults,
} from '../../helpers/model-world.ts';
import { callerOf } from '../../helpers/records.ts';

const LIMIT = 3;
const LIFETIMES_MS = [10_000, 30_000, 60_000, 300_000] as const;
const LONGEST_MS = Math.max(...LIFETIMES_MS);
/** What the minute's run needs at most to repair what died: it looks, waits, looks again, ends. */
const REPAIR_MS = 1_200_000;

/** A counterexample is made smaller for so long, then told; runs that are not done by then have failed. */
const SOON = { interruptAfterTimeLimit: 40_000, markInterruptAsFailure: true } as const;

const Action = fc.record({
  pauseMs: fc.oneof(fc.nat(40), fc.nat(300), fc.nat(20_000), fc.nat(120_000)),
  what: fc.constantFrom(
    ...(['create', 'create', 'createBig', 'execute', 'change', 'change', 'terminate'] as const),
    ...(['taskDies', 'hostGoes', 'executeAtExpiry', 'changeAtExpiry'] as const),
  ),
  tenant: fc.nat(1),
  which: fc.nat(5),
  lifetimeMs: fc.constantFrom(...LIFETIMES_MS),
});
const Scenario = fc.record({
  actions: fc.array(Action, { minLength: 2, maxLength: 16 }),
  /** Of the dice: a smaller one is no simpler. */
  seed: fc.noShrink(fc.nat()),
});
type Action = typeof Action extends fc.Arbitrary<infer T> ? T : never;
type Scenario = typeof Scenario extends fc.Arbitrary<infer T> ? T : never;

const NONE: WorldFaults = {
  noCapacity: 0,
  badTask: 0,
  lostEvent: 0,
  doubledEvent: 0,
  lateEvent: 0,
  lostAnswer: 0,
  death: 0,
  busDown: 0,
};
const MANY: WorldFaults = {
  noCapacity: 0.2,
  badTask: 0.15,
  lostEvent: 0.1,
  doubledEvent: 0.3,
  lateEvent: 0.2,
  lostAnswer: 0.05,
  death: 0.08,
  busDown: 0.3,
};

test('whatever happens and fails, every sandbox ends once, with a reason, and leaves nothing', async () => {
  const check = (scenario: Scenario) => live(memoryStores(), scenario, MANY);
  await fc.assert(fc.asyncProperty(Scenario, check), { numRuns: 120, ...SOON });
}, 60_000);

test('where nothing fails it ends in time, in six transitions at most', async () => {
  const check = (scenario: Scenario) => live(memoryStores(), scenario, NONE);
  await fc.assert(fc.asyncProperty(Scenario, check), { numRuns: 60, ...SOON });
}, 60_000);

test('the same over the real stores', async () => {
  await using stores = await startStores();
  const check = (scenario: Scenario) => live(stores, scenario, MANY);
  await fc.assert(fc.asyncProperty(Scenario, check), { numRuns: 3, ...SOON, endOnFailure: true });
}, 60_000);

async function live(stores: LifeStores, { actions, seed }: Scenario, faults: WorldFaults) {
  const world = new ModelWorld({ stores, faults, seed });
  const lives = new Lives(world, stores);
  const { clock } = world;
  await clock.run(
    (async () => {
      const minutes = everyMinute(world);
      const pending: Promise<void>[] = [];
      for (const action of actions) {
        await clock.sleep(action.pauseMs);
        const acted = lives.act(action);
        // Heard of below.
        acted.catch(() => {});
        pending.push(acted);
      }
      await Promise.all(pending);
      await clock.sleep(LONGEST_MS);
      world.calm();
      await clock.sleep(REPAIR_MS);
      minutes.abort();
    })(),
  );
  await lives.assertEnded();
  await lives.assertNothingLeft();
  // No fault that is injected is one of these.
  expect(world.failures.filter((each) => each instanceof TypeError)).toEqual([]);
  if (faults === NONE) {
    expect(world.failures).toEqual([]);
    await lives.assertInTime();
  }
}

function everyMinute(world: ModelWorld): AbortController {
  const over = new AbortController();
  void (async () => {
    while (!over.signal.aborted) {
      await world.minute();
      await world.clock.sleep(60_000, over.signal);
    }
  })();
  return over;
}

class Lives {
  readonly #world: ModelWorld;
  readonly #stores: LifeStores;
  readonly #tenants = [0, 1].map(() =>
    callerOf({ limits: { liveSandboxes: LIMIT, requestsPerSecond: 1_000 } }),
  );
  /** The reason that a caller was told. */
  readonly #toldReasons = new Map<SandboxId, string>();
  readonly #changed = new Set<SandboxId>();

  constructor(world: ModelWorld, stores: LifeStores) {
    this.#world = world;
    this.#stores = stores;
  }

  async act({ what, tenant, which, lifetimeMs }: Action): Promise<void> {
    const world = this.#world;
    const caller = this.#callerOf(tenant);
    if (what === 'create' || what === 'createBig') {
      const resources = what === 'createBig' ? { resources: { cpu: 2 } } : {};
      const body = { runtime: 'python', lifetimeMs, ...resources } as const;
      await refusable(world.request((deps) => createSandbox(deps, { body }, caller)));
      await this.#assertWithinLimit(tenant);
      return;
    }
    const record = await this.#recordOf(world.made[which % Math.max(1, world.made.length)]);
    if (!record) return;
    const { id } = record;
    const taskArn = 'task' in record ? record.task?.taskArn : undefined;
    switch (what) {
      case 'execute':
        return this.#execute(record);
      case 'change':
        return this.#change(record, lifetimeMs);
      case 'executeAtExpiry':
        await this.#untilExpiry(record);
        return this.#execute(record);
      case 'changeAtExpiry':
        await this.#untilExpiry(record);
        return this.#change(record, lifetimeMs);
      case 'terminate': {
        const done = await refusable(
          world.request((deps) => terminateSandbox(deps, id, this.#ownerOf(record))),
        );
        if (done) this.#toldReasons.set(id, done.answer.endReason ?? 'none');
        return;
      }
      case 'taskDies':
        if (taskArn) world.model.die(taskArn, 'EssentialContainerExited');
        return;
      case 'hostGoes':
        if (taskArn) world.model.die(taskArn, 'TerminationNotice');
    }
  }

  /** A moment around it, before or after. */
  async #untilExpiry({ expiresAt }: SandboxRecord): Promise<void> {
    const { clock, dice } = this.#world;
    const atMs = Date.parse(expiresAt) + dice.between(-60, 60);
    await clock.sleep(Math.max(0, atMs - clock.nowMs()));
  }

  /** Beyond its expiry it is refused as gone, whatever its record says. */
  async #execute(record: SandboxRecord): Promise<void> {
    const world = this.#world;
    const { id } = record;
    const before = await this.#recordOf(id);
    const startedMs = world.clock.nowMs();
    const request = { sandboxId: id, body: { code: '1', timeoutMs: 1_000 } } as const;
    const run = world.request((deps) => startExecution(deps, request, this.#ownerOf(record)));
    const done = await run.then(
      (value) => value,
      (error: { code?: string }) => error.code,
    );
    const isOver = before?.status === 'stopping' || before?.status === 'stopped';
    const hasExpired = before?.status === 'running' && Date.parse(before.expiresAt) <= startedMs;
    // An extension that was asked for in time may be written a moment after.
    const isSame = (await this.#recordOf(id))?.expiresAt === before?.expiresAt;
    if ((isOver || (hasExpired && isSame)) && done !== undefined) expect(done).toBe('SANDBOX_GONE');
    if (typeof done !== 'object') return;
    await world.clock.sleep(world.dice.below(20_000));
    const executionId = done.answer.execution.id;
    const row = { executionId, firstSeq: 1, lastSeq: 1, segmentKey: 'k' };
    const condition = { unlessWatched: false };
    await world.clock.hold(
      this.#stores.executions.finish(executionId, id, 1, FINISHED, row, condition),
    );
  }

  async #change(record: SandboxRecord, lifetimeMs: number): Promise<void> {
    const { id } = record;
    this.#changed.add(id);
    const body = { lifetimeMs };
    await refusable(
      this.#world.request((deps) => updateSandbox(deps, { id, body }, this.#ownerOf(record))),
    );
  }

  async assertEnded(): Promise<void> {
    for (const id of this.#world.made) {
      const record = await this.#recordOf(id);
      if (!record) continue;
      expect(record).toMatchObject({ status: 'stopped', endReason: expect.any(String) });
      if (record.status !== 'stopped') continue;
      const told = this.#world.published.filter(({ detail }) => detail['sandboxId'] === id);
      expect(new Set(told.map((event) => event.id)).size, 'events of an end').toBe(1);
      expect(told[0]?.detail['endReason']).toBe(record.endReason);
      expect(this.#toldReasons.get(id) ?? record.endReason).toBe(record.endReason);
      if (record.endReason === 'expired')
        expect(record.endRequestedAt >= record.expiresAt, 'expired in time').toBe(true);
      if (record.startedAt !== undefined)
        expect(['init_timeout', 'launch_failed'], 'it ran').not.toContain(record.endReason);
    }
    const running = this.#world.engine.executions().filter(({ status }) => status === 'RUNNING');
    expect(running.map(({ name }) => name)).toEqual([]);
  }

  async assertNothingLeft(): Promise<void> {
    const { pool, sandboxes, outbox } = this.#stores;
    for (const { tenantId } of this.#tenants)
      expect(await sandboxes.takenSlots(tenantId)).toEqual([]);
    expect(await sandboxes.takenSlots('deployment')).toEqual([]);
    expect(await outbox.pending('9', 10)).toEqual([]);
    const alive = [...this.#world.model.tasks.values()].filter(
      ({ status, stopAskedMs }) => status !== 'stopped' && stopAskedMs === undefined,
    );
    const rows = await Promise.all(alive.map(({ launchId }) => pool.get(launchId)));
    for (const row of rows) expect(['starting', 'free']).toContain(row?.status);
    expect(rows.length).toBeLessThanOrEqual(POOL_TARGET);
  }

  /** From the expiry to `stopping` at most 2 s, to StopTask at most 8 s. */
  async assertInTime(): Promise<void> {
    for (const id of this.#world.made) {
      const record = await this.#recordOf(id);
      if (record?.status !== 'stopped') continue;
      const life = this.#world.lifeOf(id);
      expect(life.status).toBe('SUCCEEDED');
      if (!this.#changed.has(id)) expect(life.transitions).toBeLessThanOrEqual(6);
      const task = record.task && this.#world.model.tasks.get(record.task.taskArn);
      const askedMs = Date.parse(record.endRequestedAt);
      if (record.endReason === 'expired')
        expect(askedMs - Date.parse(record.expiresAt)).toBeLessThanOrEqual(2_000);
      if (task?.stopAskedMs !== undefined && record.endReason === 'expired')
        expect(task.stopAskedMs - Date.parse(record.expiresAt)).toBeLessThanOrEqual(8_000);
      if (task?.stopAskedMs !== undefined)
        expect(task.stopAskedMs - askedMs).toBeLessThanOrEqual(8_000);
    }
  }

  async #assertWithinLimit(tenant: number): Promise<void> {
    const { tenantId } = this.#callerOf(tenant);
    const { items } = await this.#stores.sandboxes.list(tenantId, { limit: 100 });
    expect(items.filter(({ status }) => status !== 'stopped').length).toBeLessThanOrEqual(LIMIT);
  }

  #recordOf(id: SandboxId | undefined): Promise<SandboxRecord | undefined> {
    return id === undefined
      ? Promise.resolve(undefined)
      : this.#world.clock.hold(this.#stores.sandboxes.get(id));
  }

  #callerOf(tenant: number) {
    const caller = this.#tenants[tenant];
    if (!caller) throw new Error(`no tenant ${tenant}`);
    return caller;
  }

  #ownerOf({ tenantId }: Pick<SandboxRecord, 'tenantId'>) {
    return callerOf({ tenantId });
  }
}

const FINISHED = {
  status: 'finished',
  outcome: 'ok',
  exitCode: 0,
  metrics: { wallMs: 1 },
  finishedAt: '2026-01-01T00:00:00.000Z',
  lastSeq: 1,
  truncated: false,
} as const;

/** What a caller may be answered: an error of the closed table is no fault. */
async function refusable<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if ((error as Error).name === 'AppError') return undefined;
    throw error;
  }
}
