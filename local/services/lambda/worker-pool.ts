/**
 * The environments of one function: starts them on demand, hands each event to a free one, ends the idle ones,
 * refuses above the limit. It never queues: Lambda answers 429 and leaves waiting to the caller.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { workerEnvironment } from './environment.ts';
import { LambdaError } from './errors.ts';
import { FunctionWorker, type InvocationRequest, type InvocationSink } from './function-worker.ts';
import type { FunctionDefinition, FunctionState, WorkerMemory } from './types.ts';

export type LogSink = (functionName: string, requestId: string | undefined, line: string) => void;

export interface WorkerPoolOptions {
  readonly functionArn: string;
  readonly region: string;
  readonly endpointUrl: string;
  readonly idleMs: number;
  readonly maximumWorkers: number;
  readonly initTimeoutMs: number;
  readonly log: LogSink;
}

export class WorkerPool {
  readonly definition: FunctionDefinition;
  readonly #options: WorkerPoolOptions;
  readonly #workers = new Map<string, FunctionWorker>();
  /** Most recently used last: the rest grow old and end. */
  readonly #idle: FunctionWorker[] = [];
  readonly #ending = new Set<Promise<void>>();
  readonly #expiry = new Map<FunctionWorker, NodeJS.Timeout>();
  #keepWarm = 0;
  #invocations = 0;
  #inits = 0;
  #throttles = 0;
  #onQuiet: (() => void) | undefined;

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
    };
  }

  async memory(): Promise<WorkerMemory[]> {
    const all = await Promise.all([...this.#workers.values()].map((worker) => worker.memory()));
    return all.filter((memory) => memory !== undefined);
  }

  /** Starts a run on a free worker. Throws the throttle. */
  start<Sink extends InvocationSink>(
    request: InvocationRequest,
    createSink: (worker: FunctionWorker) => Sink,
  ): Sink {
    const worker = this.#acquire();
    const sink = createSink(worker);
    this.#invocations++;
    worker.run(request, sink);
    return sink;
  }

  /** Starts workers ahead of events and keeps that many from ending when idle. */
  async prewarm(count: number): Promise<void> {
    this.#keepWarm = Math.min(count, this.#limit);
    while (this.#workers.size < this.#keepWarm) this.#rest(this.#launch());
    await Promise.all([...this.#workers.values()].map((worker) => worker.started));
  }

  async terminate(workerId?: string): Promise<string[]> {
    const ending = [...this.#workers.values()].filter(
      (worker) => workerId === undefined || worker.workerId === workerId,
    );
    for (const worker of ending) this.#retire(worker);
    await Promise.all(this.#ending);
    return ending.map((worker) => worker.workerId);
  }

  /** Resolves when nothing runs. */
  async quiet(): Promise<void> {
    if (!this.#busy) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onQuiet = resolve;
    await promise;
  }

  get #busy(): boolean {
    return [...this.#workers.values()].some((worker) => worker.state.state === 'busy');
  }

  get #limit(): number {
    const { reservedConcurrency } = this.definition;
    return Math.min(reservedConcurrency ?? Infinity, this.#options.maximumWorkers);
  }

  #acquire(): FunctionWorker {
    const index = this.#idle.findLastIndex((worker) => worker.ready);
    const worker = this.#idle.at(index);
    if (worker !== undefined) {
      this.#takeFromIdle(worker);
      return worker;
    }
    if (this.#workers.size >= this.#limit) throw this.#throttle();
    return this.#launch();
  }

  #throttle(): LambdaError {
    this.#throttles++;
    return new LambdaError(
      'TooManyRequestsException',
      `Rate exceeded: ${this.definition.functionName} has ${this.#workers.size} workers of at most ${this.#limit}`,
      this.definition.reservedConcurrency === undefined
        ? 'ConcurrentInvocationLimitExceeded'
        : 'ReservedFunctionConcurrentInvocationLimitExceeded',
    );
  }

  #launch(): FunctionWorker {
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
      onFree: (free) => this.#rest(free),
      onExit: (gone) => this.#forget(gone),
    });
    this.#workers.set(worker.workerId, worker);
    return worker;
  }

  #rest(worker: FunctionWorker): void {
    this.#idle.push(worker);
    const expire = (): void => {
      if (this.#workers.size > this.#keepWarm) this.#retire(worker);
    };
    this.#expiry.set(worker, setTimeout(expire, this.#options.idleMs).unref());
    this.#tellQuiet();
  }

  /** From here on it counts for nothing, though its thread takes a while to end. */
  #retire(worker: FunctionWorker): void {
    this.#takeFromIdle(worker);
    this.#workers.delete(worker.workerId);
    const ended: Promise<void> = worker.terminate().finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
  }

  #takeFromIdle(worker: FunctionWorker): void {
    const index = this.#idle.indexOf(worker);
    if (index >= 0) this.#idle.splice(index, 1);
    clearTimeout(this.#expiry.get(worker));
    this.#expiry.delete(worker);
  }

  #forget(worker: FunctionWorker): void {
    this.#takeFromIdle(worker);
    this.#workers.delete(worker.workerId);
    this.#tellQuiet();
  }

  #tellQuiet(): void {
    if (this.#onQuiet !== undefined && !this.#busy) this.#onQuiet();
  }
}
