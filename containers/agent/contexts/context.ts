/**
 * A named interpreter state and the executions that wait for it, one at a time and in order. Owns
 * its kernel and replaces it when it is lost. A kernel that does not start must fail the execution
 * that asked for it, never the ones after it.
 */
import type { CompleteRequest, Completion } from '../../../contract/agent/completion.ts';
import type { AgentContext } from '../../../contract/agent/contexts.ts';
import type { StartExecutionRequest } from '../../../contract/agent/protocol.ts';
import { AppError } from '../../../contract/errors.ts';
import type { ContextId } from '../../../contract/ids.ts';
import type { Language } from '../../../contract/runtimes.ts';
import type { Execution } from '../executions/execution.ts';
import type { Kernel } from '../kernels/kernel.ts';
import type { Log } from '../log.ts';
import { Completions } from './completions.ts';
import { EarlyDeaths } from './early-deaths.ts';
import { KernelRun, type RunLimits } from './kernel-run.ts';
import type { KernelRequest } from './kernel-starter.ts';
import type { Preloader } from './preloader.ts';

/** What does not change in the life of a context. */
export interface ContextFacts {
  readonly id: ContextId;
  readonly language: Language;
  readonly isDefault: boolean;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly createdAt: string;
}

export interface ContextOptions {
  readonly facts: ContextFacts;
  readonly startKernel: (request: KernelRequest) => Promise<Kernel>;
  readonly preloader: Preloader;
  /** Read at each run: the sandbox gets its environment after its first kernel is warm. */
  readonly baseEnv: () => Record<string, string>;
  readonly runLimits: RunLimits;
  readonly maxQueued: number;
  readonly log: Log;
}

/**
 * Before each attempt to run code: an interpreter may die between two runs, unnoticed until it is asked,
 * and where user code ends or starves all processes the next ones fail too, until it has been ended itself.
 */
const WAITS_MS = [0, 0, 100, 500, 2_000];
/** No attempt begins later. */
const PATIENCE_MS = 20_000;

interface Item {
  readonly execution: Execution;
  readonly request: StartExecutionRequest;
  /** Once its kernel is there. */
  run?: KernelRun;
}

export class Context {
  readonly facts: ContextFacts;
  readonly #options: ContextOptions;
  #queue: Item[] = [];
  #running: Item | undefined;
  #kernel: Promise<Kernel> | undefined;
  /** The one that `kernel` came to, until it is asked for anything: another may take its place. */
  #fresh: Kernel | undefined;
  /** The last that this context had. */
  #live: Kernel | undefined;
  #closed = false;
  #dead = false;
  #executionCount = 0;
  /** Its end tells whether a kernel that died had been of use. */
  #lastRun: { readonly kernel: Kernel; readonly execution: Execution } | undefined;
  readonly #earlyDeaths = new EarlyDeaths();
  readonly #completions: Completions;

  constructor(options: ContextOptions) {
    this.facts = options.facts;
    this.#options = options;
    this.#completions = new Completions(options.facts.id, () => this.#kernelToAsk());
  }

  get idle(): boolean {
    return this.#running === undefined;
  }

  describe(): AgentContext {
    const { id, language, isDefault, cwd, createdAt } = this.facts;
    return {
      id,
      language,
      isDefault,
      ...(cwd === undefined ? {} : { cwd }),
      createdAt,
      status: this.#running ? 'busy' : this.#dead ? 'dead' : 'idle',
      executionCount: this.#executionCount,
      queued: this.#queue.length,
    };
  }

  /** Has a kernel ready before anyone asks. */
  async warm(): Promise<void> {
    if (this.#closed) return;
    this.#kernel ??= this.#startKernel();
    try {
      await this.#kernel;
    } catch (error) {
      this.#noteNotStarted(error);
      return;
    }
    this.#options.preloader.offer({
      language: this.facts.language,
      bare: () => (this.#closed ? undefined : this.#fresh),
      take: (kernel) => this.#have(kernel),
    });
  }

  submit(execution: Execution, request: StartExecutionRequest): void {
    const { maxQueued } = this.#options;
    if (this.#queue.length >= maxQueued)
      throw new AppError(
        'RESOURCE_LIMIT_ERROR',
        `${maxQueued} executions wait for this context already; wait until one has finished`,
        { details: { limit: 'queuedExecutions', value: maxQueued }, retryAfterSeconds: 1 },
      );
    this.#leaveFresh();
    this.#queue.push({ execution, request });
    if (this.idle) void this.#work();
  }

  /** What could stand in code, as its live state knows it: only while nothing runs or waits. */
  complete(request: CompleteRequest): Promise<Completion> {
    this.#leaveFresh();
    return this.#completions.ask(request, () => this.idle && !this.#closed);
  }

  /** False where the execution has finished already. */
  interrupt(execution: Execution): boolean {
    if (execution.status === 'finished') return false;
    const running = this.#running;
    if (running?.execution === execution && running.run) running.run.stop('interrupted');
    else {
      this.#queue = this.#queue.filter((item) => item.execution !== execution);
      finishUnstarted(execution, 'interrupted');
    }
    return true;
  }

  /** Kills what runs, what waits and the kernel; a fresh one starts for what comes. */
  async restart(): Promise<void> {
    await this.#end();
    void this.warm();
  }

  /** Kills what runs, what waits and the kernel, for good; answers which executions that ended. */
  async close(): Promise<Execution[]> {
    this.#closed = true;
    return this.#end();
  }

  async #end(): Promise<Execution[]> {
    const items = [...(this.#running ? [this.#running] : []), ...this.#queue];
    const live = items.filter(({ execution }) => execution.status !== 'finished');
    this.#queue = [];
    for (const { execution, run } of live) {
      if (run) run.stop('killed');
      else finishUnstarted(execution, 'killed');
    }
    const kernel = await this.#kernel?.catch(() => undefined);
    kernel?.dismiss();
    await kernel?.exited;
    return live.map(({ execution }) => execution);
  }

  async #work(): Promise<void> {
    for (let item = this.#queue.shift(); item !== undefined; item = this.#queue.shift()) {
      this.#running = item;
      item.execution.begin();
      await this.#runOne(item);
    }
    this.#running = undefined;
  }

  async #runOne(item: Item): Promise<void> {
    const { execution } = item;
    const beganAt = performance.now();
    for (const waitMs of WAITS_MS) {
      if (performance.now() - beganAt > PATIENCE_MS) break;
      if (waitMs > 0) await sleep(waitMs);
      // It may have been interrupted meanwhile, or this context closed.
      if (execution.status === 'finished') return;
      try {
        if ((await this.#attempt(item)) === 'finished') return;
      } catch (error) {
        this.#noteNotStarted(error);
      }
    }
    finishNotStarted(execution);
  }

  /** Whoever needs one next tries again. */
  #noteNotStarted(error: unknown): void {
    this.#kernel = undefined;
    this.#dead = true;
    this.#options.log.error('no interpreter could be started', { error: String(error) });
  }

  async #attempt(item: Item): Promise<'finished' | 'not started'> {
    const { baseEnv, runLimits } = this.#options;
    const { env = {}, cwd } = this.facts;
    const { execution, request } = item;
    // One question may be with the interpreter.
    await this.#completions.settled;
    this.#kernel ??= this.#startKernel();
    const kernel = await this.#kernel;
    if (execution.status === 'finished') return 'finished';
    if (!kernel.alive) {
      await kernel.exited;
      return 'not started';
    }
    const run = new KernelRun({
      kernel,
      execution,
      request,
      baseEnv: { ...baseEnv(), ...env },
      ...(cwd === undefined ? {} : { baseCwd: cwd }),
      limits: runLimits,
    });
    item.run = run;
    this.#lastRun = { kernel, execution };
    this.#executionCount += 1;
    const end = await run.ended;
    delete item.run;
    // Until it has ended, the next execution would be given to it.
    if (run.kernelLost || end === 'not started') await kernel.exited;
    return end;
  }

  async #kernelToAsk(): Promise<Kernel> {
    this.#kernel ??= this.#startKernel();
    try {
      const kernel = await this.#kernel;
      this.#leaveFresh();
      return kernel;
    } catch (error) {
      this.#noteNotStarted(error);
      throw new AppError('AGENT_UNREACHABLE', 'no interpreter could be started: ask again', {
        retryAfterSeconds: 1,
      });
    }
  }

  async #startKernel(): Promise<Kernel> {
    const { startKernel } = this.#options;
    this.#dead = false;
    this.#executionCount = 0;
    const kernel = await startKernel({
      language: this.facts.language,
      earlyDeaths: this.#earlyDeaths.trouble,
      isWanted: () => !this.#closed,
    });
    this.#watch(kernel);
    if (this.idle) this.#fresh = kernel;
    return kernel;
  }

  /** In the place of a fresh one. */
  #have(kernel: Kernel): void {
    this.#kernel = Promise.resolve(kernel);
    this.#watch(kernel);
    this.#fresh = kernel;
  }

  /** From here on the kernel is someone's. */
  #leaveFresh(): void {
    this.#fresh = undefined;
    this.#options.preloader.giveWay();
  }

  #watch(kernel: Kernel): void {
    const startedAt = performance.now();
    this.#live = kernel;
    void kernel.exited.then(({ code, signal }) => {
      const { log } = this.#options;
      log.info('an interpreter ended', { code: code ?? undefined, signal: signal ?? undefined });
      // Another has its place.
      if (this.#live !== kernel) return undefined;
      this.#kernel = undefined;
      this.#fresh = undefined;
      this.#dead = true;
      return this.#replace(kernel, performance.now() - startedAt);
    });
  }

  /** At once where it died of its use; ever later where something kills each new one. */
  async #replace(kernel: Kernel, livedMs: number): Promise<void> {
    const last = this.#lastRun;
    const served = last?.kernel === kernel && last.execution.status === 'finished';
    const waitMs = this.#earlyDeaths.next(served || kernel.dismissed, livedMs);
    if (waitMs > 0) await sleep(waitMs);
    await this.warm();
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}

/** Nothing of it has run, so there is neither an exit code nor a signal. */
function finishUnstarted(execution: Execution, outcome: 'interrupted' | 'killed'): void {
  execution.finish({ outcome, exitCode: null, metrics: { wallMs: 0 } });
}

function finishNotStarted(execution: Execution): void {
  if (execution.status === 'finished') return;
  const value = 'no interpreter could be started; nothing of the code has run';
  execution.started();
  execution.error({ name: 'KernelNotStarted', value, traceback: '' });
  execution.finish({ outcome: 'error', exitCode: null, metrics: { wallMs: 0 } });
}
