/**
 * The environments of one function: starts them on demand, hands each event to a free one, ends the idle ones,
 * refuses above the limit. An event waits only for a worker that is to start, or for one that is free before it:
 * at the limit Lambda answers 429 and leaves waiting to the caller.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { workerEnvironment } from './environment.ts';
import { LambdaError } from './errors.ts';
import { FunctionWorker, type InvocationRequest, type InvocationSink } from './function-worker.ts';
import { type AnswerTaker, PendingRun } from './pending-run.ts';
import type { StartGate } from './start-gate.ts';
import type { FunctionDefinition, FunctionError, FunctionState, WorkerMemory } from './types.ts';

export type LogSink = (functionName: string, requestId: string | undefined, line: string) => void;

export interface WorkerPoolOptions {
  readonly functionArn: string;
  readonly region: string;
  readonly endpointUrl: string;
  readonly idleMs: number;
  readonly maximumWorkers: number;
  readonly initTimeoutMs: number;
  readonly coldStartMs?: (() => number) | undefined;
  readonly log: LogSink;
  readonly starts: StartGate;
}

export class WorkerPool {
  readonly definition: FunctionDefinition;
  readonly #options: WorkerPoolOptions;
  readonly #workers = new Map<string, FunctionWorker>();
  readonly #starting = new Set<FunctionWorker>();
  /** Most recently used last: the rest grow old and end. */
  readonly #idle: FunctionWorker[] = [];
  /** Events without a worker, the oldest first; empty while one is idle. */
  readonly #queue: PendingRun[] = [];
  readonly #ending = new Set<Promise<void>>();
  readonly #expiry = new Map<FunctionWorker, NodeJS.Timeout>();
  readonly #onChange = new Set<() => void>();
  #closed = false;
  #keepWarm = 0;
  #invocations = 0;
  #inits = 0;
  #throttles = 0;
  /** Time of workers that have ended. */
  #endedMs = 0;

  constructor(definition: FunctionDefinition, options: WorkerPoolOptions) {
    this.definition = definition;
    this.#options = options;
  }

  get state(): Omit<FunctionState, 'pendingEvents'> {
    return {
      functionName: this.definition.functionName,
      functionArn: this.#options.functionArn,
      workers: [...this.#workers.values()].map((worker) => worker.state),
      invocations: this.#invocations,
      inits: this.#inits,
      throttles: this.#throttles,
      busyMs: [...this.#workers.values()].reduce((sum, { busyMs }) => sum + busyMs, this.#endedMs),
      memoryMb: this.definition.memoryMb,
    };
  }

  /** Events under way. */
  get running(): number {
    return this.#workers.size - this.#starting.size - this.#idle.length + this.#queue.length;
  }

  async memory(): Promise<WorkerMemory[]> {
    const all = await Promise.all([...this.#workers.values()].map((worker) => worker.memory()));
    return all.filter((memory) => memory !== undefined);
  }

  /** Starts a run on a free worker, or on the first that there is. Throws the throttle. */
  start<Sink extends InvocationSink>(
    request: InvocationRequest,
    createSink: (taker: AnswerTaker) => Sink,
  ): Sink {
    if (this.running >= this.#limit) throw this.#throttled();
    const run = new PendingRun(request, createSink);
    this.#invocations++;
    const worker = this.#idle.at(-1);
    if (worker) {
      this.#takeFromIdle(worker);
      run.begin(worker);
    } else {
      this.#queue.push(run);
      this.#startSoon(this.#options.coldStartMs?.() ?? 0);
    }
    return run.sink;
  }

  #startSoon(coldStartMs: number): void {
    const start = () => this.#options.starts.want(this.#launchIfWanted);
    if (coldStartMs === 0) start();
    else setTimeout(start, coldStartMs);
  }

  #throttled(): LambdaError {
    return this.throttle(
      `Rate exceeded: ${this.definition.functionName} has ${this.#workers.size} workers of at most ${this.#limit}`,
      this.definition.reservedConcurrency === undefined
        ? undefined
        : 'ReservedFunctionConcurrentInvocationLimitExceeded',
    );
  }

  /** Counts a refusal and words it. */
  throttle(message: string, reason = 'ConcurrentInvocationLimitExceeded'): LambdaError {
    this.#throttles++;
    return new LambdaError('TooManyRequestsException', message, reason);
  }

  /** Starts workers ahead of events and keeps that many from ending when idle. */
  async prewarm(count: number): Promise<void> {
    this.#keepWarm = Math.min(count, this.#limit);
    this.#options.starts.want(this.#launchIfWanted);
    await this.#until(
      () => this.#closed || (this.#inits >= this.#keepWarm && this.#starting.size === 0),
    );
  }

  /** Ends every worker, and starts none from here on. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.terminate();
    this.#changed();
  }

  async terminate(workerId?: string): Promise<string[]> {
    const ending = [...this.#workers.values()].filter(
      (worker) => workerId === undefined || worker.workerId === workerId,
    );
    if (workerId === undefined) this.#failQueue();
    for (const worker of ending) this.#retire(worker);
    await Promise.all(this.#ending);
    return ending.map((worker) => worker.workerId);
  }

  /** Resolves when nothing runs. */
  async quiet(): Promise<void> {
    await this.#until(() => this.#queue.length === 0 && !this.#busy);
  }

  async #until(holds: () => boolean): Promise<void> {
    if (holds()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = () => {
      if (holds()) resolve();
    };
    this.#onChange.add(look);
    await promise;
    this.#onChange.delete(look);
  }

  #changed(): void {
    for (const look of this.#onChange) look();
  }

  get #busy(): boolean {
    return this.running > 0;
  }

  get #limit(): number {
    const { reservedConcurrency } = this.definition;
    return Math.min(reservedConcurrency ?? Infinity, this.#options.maximumWorkers);
  }

  readonly #launchIfWanted = (): boolean => {
    if (this.#closed) return false;
    const forEvents = this.#starting.size < this.#queue.length;
    if (!forEvents && this.#workers.size >= this.#keepWarm) return false;
    if (this.#workers.size >= this.#limit) return false;
    this.#launch();
    return true;
  };

  #launch(): void {
    const { definition } = this;
    const { functionArn, region, endpointUrl, initTimeoutMs, log } = this.#options;
    const { functionName, codeDirectory, handler, memoryMb, timeoutSeconds } = definition;
    const logStreamName = `[$LATEST]${randomBytes(16).toString('hex')}`;
    this.#inits++;
    const worker = new FunctionWorker({
      workerId: randomUUID(),
      settings: { functionName, codeDirectory, handler, memoryMb, functionArn, logStreamName },
      environment: workerEnvironment(definition, { region, endpointUrl, logStreamName }),
      timeoutSeconds,
      initTimeoutMs,
      onLine: (requestId, line) => log(functionName, requestId, line),
      onFree: (free) => this.#free(free),
      onExit: (gone, errorOf) => this.#forget(gone, errorOf),
    });
    this.#workers.set(worker.workerId, worker);
    this.#starting.add(worker);
  }

  #free(worker: FunctionWorker): void {
    const run = this.#queue.shift();
    if (run) run.begin(worker);
    else this.#rest(worker);
    this.#endStart(worker);
    this.#changed();
  }

  /** After the event that it takes has left the queue: none is started in its place. */
  #endStart(worker: FunctionWorker): void {
    if (this.#starting.delete(worker)) this.#options.starts.done();
  }

  #rest(worker: FunctionWorker): void {
    this.#idle.push(worker);
    const expire = (): void => {
      if (this.#workers.size > this.#keepWarm) this.#retire(worker);
    };
    this.#expiry.set(worker, setTimeout(expire, this.#options.idleMs).unref());
  }

  /** From here on it counts for nothing, though its thread takes a while to end. */
  #retire(worker: FunctionWorker): void {
    this.#takeFromIdle(worker);
    this.#workers.delete(worker.workerId);
    // What it was started for ends with it.
    if (this.#starting.has(worker)) this.#killed(this.#queue.shift());
    this.#endStart(worker);
    const ended: Promise<void> = worker.terminate().finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
  }

  #takeFromIdle(worker: FunctionWorker): void {
    const index = this.#idle.indexOf(worker);
    if (index >= 0) this.#idle.splice(index, 1);
    clearTimeout(this.#expiry.get(worker));
    this.#expiry.delete(worker);
  }

  #forget(worker: FunctionWorker, errorOf: (requestId: string) => FunctionError): void {
    this.#takeFromIdle(worker);
    this.#workers.delete(worker.workerId);
    this.#endedMs += worker.busyMs;
    // What it was started for learns why it cannot run; the next event starts another.
    const run = this.#starting.has(worker) ? this.#queue.shift() : undefined;
    run?.sink.failed(errorOf(run.request.requestId));
    this.#endStart(worker);
    this.#changed();
  }

  #failQueue(): void {
    for (const run of this.#queue.splice(0)) this.#killed(run);
  }

  #killed(run: PendingRun | undefined): void {
    const errorMessage = `RequestId: ${run?.request.requestId} Error: Runtime exited with error: signal: killed`;
    run?.sink.failed({ errorType: 'Runtime.ExitError', errorMessage });
  }
}
