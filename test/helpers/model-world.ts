/**
 * The service in virtual time: the real use cases and the real lifecycle definition, with functions
 * that are slow or die in the middle, over stores of the test's choice and a model fleet. Puts
 * together what the functions' handlers do; decides nothing itself.
 */
import type { LaunchId, SandboxId } from '../../contract/ids.ts';
import type { EndReason } from '../../contract/rest/sandboxes.ts';
import type { IdempotencyStore } from '../../core/account/idempotency.ts';
import type { ExecutionStore } from '../../core/execution/execution-store.ts';
import type { OpenSeat, PoolStore } from '../../core/pool/pool-task.ts';
import { recyclePools } from '../../core/pool/recycle-pool.ts';
import { refillPool } from '../../core/pool/refill-pool.ts';
import { onTaskRunning, onTaskStopped } from '../../core/pool/task-events.ts';
import type { DomainEvent, Lifecycle, LifecycleStart } from '../../core/ports.ts';
import { endSandbox } from '../../core/sandbox/end-sandbox.ts';
import { holdSandbox, launchSandbox, renewSandbox } from '../../core/sandbox/lifecycle-steps.ts';
import { type OutboxStore, publishLeft } from '../../core/sandbox/outbox.ts';
import { reconcileSandboxes } from '../../core/sandbox/reconcile.ts';
import type { SandboxStore } from '../../core/sandbox/sandbox-store.ts';
import { digest, ids as systemIds } from '../../lambdas/shared/system.ts';
import { lifecycleDefinition } from '../../lib/lifecycle/definition.ts';
import type { InvokeOutcome } from '../../local/services/lambda/types.ts';
import { StepFunctionsError } from '../../local/services/step-functions/errors.ts';
import { MachineEngine } from '../../local/services/step-functions/interpreter/engine.ts';
import { type Dice, diceOf, type Faults, ModelFleet, type TaskEvent } from './model-fleet.ts';
import { pool, VERSION } from './records.ts';
import { VirtualClock } from './virtual-clock.ts';

export interface WorldFaults extends Faults {
  /** A function dies in the middle. */
  readonly death: number;
  /** An event cannot be put on the bus. */
  readonly busDown: number;
}

export interface LifeStores {
  readonly sandboxes: SandboxStore;
  readonly pool: PoolStore;
  readonly outbox: OutboxStore;
  readonly idempotency: IdempotencyStore;
  readonly executions: Pick<ExecutionStore, 'start' | 'discard' | 'finish'>;
}

const MACHINE = 'arn:aws:states:us-east-1:000000000000:stateMachine:lifecycle';
const executionArnOf = (id: string) => `${MACHINE.replace('stateMachine', 'execution')}:${id}`;
export const POOL_TARGET = 2;
/** API Gateway's own limit, and the time-out of the functions behind events. */
const API_MS = 29_000;
const FUNCTION_MS = 60_000;

type StepRequest = { readonly sandboxId: SandboxId; readonly token: string } & (
  | { readonly step: 'launch' }
  | {
      readonly step: 'hold';
      readonly start: LifecycleStart;
      readonly enteredAt: string;
      readonly seconds: number;
    }
  | { readonly step: 'renew'; readonly renewals: number }
  | { readonly step: 'end'; readonly reason: EndReason }
);

export class ModelWorld {
  readonly clock = new VirtualClock();
  readonly dice: Dice;
  readonly published: DomainEvent[] = [];
  /** Every sandbox that was to be made; one that was refused has no record. */
  readonly made: SandboxId[] = [];
  readonly model: ModelFleet;
  readonly engine: MachineEngine;
  /** What failed in functions behind events. */
  readonly failures: unknown[] = [];
  readonly #stores: LifeStores;
  readonly #faults: WorldFaults;
  #faultsOn = true;

  constructor({ stores, faults, seed }: { stores: LifeStores; faults: WorldFaults; seed: number }) {
    this.dice = diceOf(seed);
    this.#stores = stores;
    this.#faults = faults;
    this.model = new ModelFleet({
      clock: this.clock,
      dice: this.dice,
      faults,
      onEvent: (event) => void this.#onTaskEvent(event),
    });
    this.engine = new MachineEngine({
      clock: this.clock,
      random: this.dice.roll,
      invoke: ({ payload }) => this.#step(payload as StepRequest),
      onError: (error) => this.failures.push(error),
    });
    this.engine.register({
      stateMachineArn: MACHINE,
      name: 'lifecycle',
      roleArn: 'arn:aws:iam::000000000000:role/lifecycle',
      definition: JSON.stringify(lifecycleDefinition({ functionArn: 'lifecycle' })),
    });
  }

  /** No function dies any more: what is left is repaired from here on. */
  calm(): void {
    this.#faultsOn = false;
  }

  lifeOf = (id: SandboxId) => this.engine.execution(executionArnOf(id));

  /** A request through the API; undefined when its function died or was too slow to answer. */
  async request<T>(work: (deps: Deps) => Promise<T>): Promise<{ answer: T } | undefined> {
    return this.#invoke(API_MS, work);
  }

  /** As `pool` does each minute. */
  async minute(): Promise<void> {
    await this.#invoke(FUNCTION_MS, async (deps) => {
      const pools = [{ pool, target: POOL_TARGET }];
      const parts = [
        () => reconcileSandboxes(deps),
        () => recyclePools(deps, pools),
        () => publishLeft(deps),
        () => refillPool(deps, pools[0]!),
      ];
      for (const part of parts) await part().catch((error: unknown) => this.failures.push(error));
    });
  }

  async #refill(opened?: OpenSeat): Promise<void> {
    await this.clock.sleep(this.dice.below(300));
    await this.#invoke(FUNCTION_MS, (deps) =>
      refillPool(deps, { pool, target: POOL_TARGET }, opened?.seat),
    );
  }

  /** As `task-events` does, tried twice more when it fails. */
  async #onTaskEvent({ what, task, stopCode }: TaskEvent): Promise<void> {
    const { launchId, taskArn } = task;
    const end = stopCode === 'TerminationNotice' ? 'host_restarted' : 'task_died';
    for (const pauseMs of [0, 60_000, 120_000]) {
      await this.clock.sleep(pauseMs);
      const done = await this.#invoke(FUNCTION_MS, async (deps) => {
        if (what === 'RUNNING') await onTaskRunning(deps, { launchId, taskArn, host: launchId });
        else await onTaskStopped(deps, launchId, end);
      }).catch((error: unknown) => void this.failures.push(error));
      if (done) return;
    }
  }

  /** As `lifecycle` does. */
  async #step(request: StepRequest): Promise<InvokeOutcome> {
    const { sandboxId } = request;
    const done = await this.#invoke(FUNCTION_MS, async (deps): Promise<unknown> => {
      switch (request.step) {
        case 'launch':
          return launchSandbox(deps, request);
        case 'hold':
          return holdSandbox(deps, { ...request, prepare: request.start !== 'claimed' });
        case 'renew':
          return renewSandbox(deps, request);
        case 'end':
          await endSandbox(deps, { id: sandboxId, reason: request.reason });
          return {};
      }
    }).catch((error: unknown) => {
      this.failures.push(error);
      return undefined;
    });
    if (done) return { payload: done.answer };
    return { error: { errorType: 'Sandbox.Timedout', errorMessage: 'timed out', trace: [] } };
  }

  /** One invocation of a function: its calls take time, and it may die at any of them. */
  async #invoke<T>(
    withinMs: number,
    work: (deps: Deps) => Promise<T>,
  ): Promise<{ answer: T } | undefined> {
    const { clock, dice } = this;
    const dies = this.#faultsOn && dice.chance(this.#faults.death);
    const life = { calls: 0, until: dies ? dice.below(28) / 2 : Number.POSITIVE_INFINITY };
    const ended = new AbortController();
    const late = clock.sleep(withinMs, ended.signal).then(() => {
      life.until = 0;
      return undefined;
    });
    try {
      return await Promise.race([work(this.depsOf(life)).then((answer) => ({ answer })), late]);
    } finally {
      ended.abort();
    }
  }

  /** All ports of a function, which end with it. */
  depsOf(life: Life) {
    const { clock, dice, model } = this;
    const stores = this.#stores;
    const mortal = <P extends object>(port: P): P => mortalPort(port, { life, clock, dice });
    return {
      sandboxes: mortal(held(stores.sandboxes, clock)),
      pool: mortal(held(stores.pool, clock)),
      outbox: mortal(held(stores.outbox, clock)),
      idempotency: mortal(held(stores.idempotency, clock)),
      executions: mortal(held(stores.executions, clock)) as ExecutionStore,
      fleet: mortal(model.fleet),
      gateway: mortal(model.gateway),
      lifecycle: mortal(this.#lifecycle),
      bus: mortal({ publish: this.#publish }),
      refill: { request: async (opened?: OpenSeat) => void this.#refill(opened).catch(() => {}) },
      clock,
      digest,
      ids: { ...systemIds, ...idsOf(dice, this.made) },
      version: VERSION,
      internet: false,
      maxLiveSandboxes: 1_000_000,
      launchEstimateMs: 45_000,
      defaultLifetimeMs: 60_000,
      maxLifetimeMs: 1_800_000,
      leaseMs: 15_000,
      relays: { start: async () => {} },
      onAgentLog: () => {},
      onLaunchFailed: () => {},
      onError: (_: string, error: unknown) => void this.failures.push(error),
    };
  }

  readonly #publish = async (event: DomainEvent): Promise<void> => {
    if (this.#faultsOn && this.dice.chance(this.#faults.busDown)) throw new Error('PutEvents');
    this.published.push(event);
  };

  /** As the adapter does. */
  readonly #lifecycle: Lifecycle = {
    start: async ({ sandboxId: name, ...rest }) => {
      const input = JSON.stringify({ sandboxId: name, ...rest });
      try {
        this.engine.start({ stateMachineArn: MACHINE, name, input });
        return 'started';
      } catch (error) {
        if (error instanceof StepFunctionsError && error.code === 'ExecutionAlreadyExists')
          return 'exists';
        throw error;
      }
    },
    complete: async (token, answer) =>
      whileItWaits(() => this.engine.sendTaskSuccess(token, JSON.stringify(answer))),
    fail: async (token, error, cause) =>
      whileItWaits(() => this.engine.sendTaskFailure(token, { error, cause })),
  };
}

type Deps = ReturnType<ModelWorld['depsOf']>;

function whileItWaits(tell: () => void): void {
  try {
    tell();
  } catch (error) {
    if (!(error instanceof StepFunctionsError)) throw error;
  }
}

interface Life {
  calls: number;
  /** It makes so many calls, then no more; of a half call it never hears. */
  until: number;
}

/** A port as a function sees it whose machine may end at any call, before it or after it. */
function mortalPort<P extends object>(
  port: P,
  { life, clock, dice }: { life: Life; clock: VirtualClock; dice: Dice },
): P {
  const never = new Promise<never>(() => {});
  return new Proxy(port, {
    get(target, name) {
      const method = Reflect.get(target, name) as unknown;
      if (typeof method !== 'function') return method;
      return async (...args: unknown[]) => {
        const call = ++life.calls;
        if (call > Math.ceil(life.until)) return never;
        await clock.sleep(dice.between(1, 15));
        const done: unknown = await (method as (...all: unknown[]) => unknown).apply(target, args);
        return call > life.until ? never : done;
      };
    },
  });
}

/** Real stores know nothing of the clock: no time passes while they work. */
const held = <S extends object>(store: S, clock: VirtualClock): S =>
  new Proxy(store, {
    get(target, name) {
      const method = Reflect.get(target, name) as (...args: unknown[]) => Promise<unknown>;
      return (...args: unknown[]) => clock.hold(method.apply(target, args));
    },
  });

const TAIL = 'abcdefghijklmnopqrstuvwxyz0123456789';
/** The ids that order depends on, from the dice. */
function idsOf(dice: Dice, made: SandboxId[]) {
  const tail = () => Array.from({ length: 20 }, () => TAIL[dice.below(TAIL.length)]).join('');
  return {
    sandbox: () => {
      const id = `sb${tail()}` as SandboxId;
      made.push(id);
      return id;
    },
    launch: () => `ln${tail()}` as LaunchId,
    owner: tail,
    jitter: (maxMs: number) => dice.roll() * maxMs,
    shuffle: <T>(items: readonly T[]): T[] =>
      items
        .map((item) => ({ item, at: dice.roll() }))
        .sort((a, b) => a.at - b.at)
        .map(({ item }) => item),
  };
}
