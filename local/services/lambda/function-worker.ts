/**
 * One Lambda environment seen from outside: a worker thread, what it runs, and how it ends. It runs one event at
 * a time and never decides who gets the next one (worker-pool.ts does).
 */
import { Worker } from 'node:worker_threads';
import { LineSplitter } from './line-splitter.ts';
import type { FromWorker, ToWorker, WorkerSettings } from './protocol.ts';
import type { FunctionError, WorkerMemory, WorkerState } from './types.ts';
import { workerUrl } from './worker-source.ts';

/** Where the parts of an answer go. After `result`, `failed` or `end` nothing more comes that matters. */
export interface InvocationSink {
  prelude(json: string): void;
  chunk(bytes: Uint8Array): void;
  end(): void;
  result(json: string): void;
  failed(error: FunctionError): void;
}

export interface InvocationRequest {
  readonly requestId: string;
  readonly payload: string;
}

export interface FunctionWorkerOptions {
  readonly workerId: string;
  readonly settings: WorkerSettings;
  readonly environment: Record<string, string>;
  readonly timeoutSeconds: number;
  readonly initTimeoutMs: number;
  onLine(requestId: string | undefined, line: string): void;
  /** It has loaded, or has become free: it can take an event. Called before the sink hears of the answer. */
  onFree(worker: FunctionWorker): void;
  /** @param error of what it ran, or for whatever it was started for */
  onExit(worker: FunctionWorker, error: (requestId: string) => FunctionError): void;
}

interface Running extends InvocationRequest {
  readonly since: number;
  readonly sink: InvocationSink;
}

/** Why a worker ended. */
interface Death {
  readonly errorType: string;
  readonly cause: string;
  readonly trace?: readonly string[];
}

const exited = (how: string): Death => ({
  errorType: 'Runtime.ExitError',
  cause: `Runtime exited with error: ${how}`,
});

export class FunctionWorker {
  readonly workerId: string;
  readonly #options: FunctionWorkerOptions;
  readonly #thread: Worker;
  readonly #lines = new LineSplitter((line) => this.#log(line));
  #ready = false;
  #busyMs = 0;
  #running: Running | undefined;
  #timer: NodeJS.Timeout;
  #death: Death | undefined;
  #initError: FunctionError | undefined;

  constructor(options: FunctionWorkerOptions) {
    this.workerId = options.workerId;
    this.#options = options;
    this.#timer = setTimeout(
      () => this.#die('Sandbox.Timedout', `Init timed out after ${options.initTimeoutMs} ms`),
      options.initTimeoutMs,
    );
    this.#thread = new Worker(workerUrl(), {
      workerData: options.settings,
      env: options.environment,
      execArgv: [],
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: options.settings.memoryMb },
    });
    this.#thread.on('message', (message: FromWorker) => this.#receive(message));
    this.#thread.on('error', (error) => this.#crashed(error));
    this.#thread.on('exit', (code) => this.#exited(code));
    for (const output of [this.#thread.stdout, this.#thread.stderr]) {
      output.setEncoding('utf8').on('data', (text: string) => this.#lines.add(text));
    }
  }

  get ready(): boolean {
    return this.#ready;
  }

  /** Time of what it ran and runs. */
  get busyMs(): number {
    return this.#busyMs + (this.#running ? performance.now() - this.#running.since : 0);
  }

  get state(): WorkerState {
    const requestId = this.#running?.requestId;
    const state = requestId !== undefined ? 'busy' : this.#ready ? 'idle' : 'starting';
    return { workerId: this.workerId, state, requestId };
  }

  /** Undefined when it has ended. */
  async memory(): Promise<WorkerMemory | undefined> {
    const heap = await this.#thread.getHeapStatistics().catch(() => undefined);
    return (
      heap && {
        workerId: this.workerId,
        heapBytes: heap.total_heap_size,
        externalBytes: heap.external_memory,
      }
    );
  }

  /** Once it has loaded. */
  run(request: InvocationRequest, sink: InvocationSink): void {
    this.#running = { ...request, sink, since: performance.now() };
    this.#post({
      type: 'invoke',
      ...request,
      timeoutMs: this.#options.timeoutSeconds * 1000,
    });
    this.#limitTime();
  }

  /** The consumer of this sink's response took bytes. Too late, once another event runs, is no matter. */
  taken(sink: InvocationSink, bytes: number): void {
    if (this.#running?.sink === sink) this.#post({ type: 'taken', bytes });
  }

  /** The consumer of this sink's response left. */
  gone(sink: InvocationSink): void {
    if (this.#running?.sink === sink) this.#post({ type: 'gone' });
  }

  /** Ends the thread in the middle of what it does. */
  async terminate(): Promise<void> {
    this.#death ??= exited('signal: killed');
    await this.#thread.terminate();
  }

  #post(message: ToWorker): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread, not a window
    this.#thread.postMessage(message);
  }

  #limitTime(): void {
    const { timeoutSeconds } = this.#options;
    this.#timer = setTimeout(
      () =>
        this.#die('Sandbox.Timedout', `Task timed out after ${timeoutSeconds.toFixed(2)} seconds`),
      timeoutSeconds * 1000,
    );
  }

  #receive(message: FromWorker): void {
    switch (message.type) {
      case 'log':
        return this.#lines.add(message.text);
      case 'ready':
        return this.#becomeReady();
      case 'initFailed':
        this.#initError = message.error;
        return;
      case 'prelude':
        return this.#running?.sink.prelude(message.json);
      case 'chunk':
        return this.#running?.sink.chunk(message.bytes);
      case 'end':
        return this.#running?.sink.end();
      case 'done':
        this.#becomeFree();
        return;
      case 'result':
        return this.#becomeFree()?.result(message.json);
      case 'failed':
        return this.#becomeFree()?.failed(message.error);
    }
  }

  #becomeReady(): void {
    clearTimeout(this.#timer);
    this.#ready = true;
    if (this.#death === undefined) this.#options.onFree(this);
  }

  #becomeFree(): InvocationSink | undefined {
    clearTimeout(this.#timer);
    this.#lines.flush();
    const sink = this.#running?.sink;
    this.#endRun();
    // A worker that was told to end takes no more.
    if (this.#death === undefined) this.#options.onFree(this);
    return sink;
  }

  #endRun(): void {
    this.#busyMs = this.busyMs;
    this.#running = undefined;
  }

  #die(errorType: string, cause: string): void {
    this.#death ??= { errorType, cause };
    void this.#thread.terminate();
  }

  #crashed(thrown: unknown): void {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    const outOfMemory = 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
    const trace = (error.stack ?? error.message).split('\n');
    for (const line of trace) this.#log(line);
    this.#death ??= { ...exited(outOfMemory ? 'signal: killed' : 'exit status 1'), trace };
  }

  #exited(code: number): void {
    clearTimeout(this.#timer);
    this.#lines.flush();
    const running = this.#running;
    this.#endRun();
    const errorOf = (requestId: string) => this.#initError ?? this.#lastWords(requestId, code);
    this.#options.onExit(this, errorOf);
    running?.sink.failed(errorOf(running.requestId));
  }

  #lastWords(requestId: string, code: number): FunctionError {
    const { errorType, cause, trace } = this.#death ?? exited(`exit status ${code}`);
    return {
      errorType,
      errorMessage: `RequestId: ${requestId} Error: ${cause}`,
      ...(trace === undefined ? {} : { trace }),
    };
  }

  #log(line: string): void {
    this.#options.onLine(this.#running?.requestId, line);
  }
}
