/**
 * The Lambda stand-in: owns the functions and their workers, calls them in process and as the AWS API.
 * It knows nothing of the product; what a function may do is decided by what it signs with.
 */
import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { AwsRequest, AwsService, UncheckedRequest } from '../service.ts';
import { AsyncEvents, type Deliver, type FateOf } from './async-events.ts';
import type { LambdaBehaviour } from './behaviour.ts';
import { LambdaError } from './errors.ts';
import { answerLambdaRequest } from './http-api.ts';
import { ASYNC_PAYLOAD_BYTES, SYNC_PAYLOAD_BYTES } from './limits.ts';
import { Pace } from './pace.ts';
import { lambdaRights } from './rights.ts';
import {
  payloadOf,
  requestPayload,
  StreamedAnswer,
  WholeAnswer,
  type WholeOutcome,
} from './sinks.ts';
import { StartGate } from './start-gate.ts';
import type {
  FunctionDefinition,
  FunctionInvoker,
  FunctionState,
  InvokeOptions,
  InvokeOutcome,
  StreamedResponse,
  WorkerMemory,
} from './types.ts';
import { type LogSink, WorkerPool } from './worker-pool.ts';

export interface LambdaServiceOptions {
  readonly region: string;
  readonly accountId: string;
  /** The front door, as functions see it (`AWS_ENDPOINT_URL`). */
  readonly endpointUrl: string;
  readonly log: LogSink;
  /** Takes the record of an asynchronous event that was given up. */
  readonly deliver: Deliver;
  /** Idle workers end after this. Default 60 s. */
  readonly idleMs?: number;
  /** Workers of one function. Default 200; above that it throttles. */
  readonly maximumWorkers?: number;
  /** Time to load a bundle. Default 30 s: AWS gives 10, but many threads may start at once on few cores. */
  readonly initTimeoutMs?: number;
  /** Workers that load at the same time; other events wait for one of them or for one that becomes free. Default: the cores. */
  readonly startsAtOnce?: number;
  /** Waits before the retries of an asynchronous event. Default as on AWS: 60 s, 120 s. */
  readonly asyncRetryDelaysMs?: readonly number[] | undefined;
  /** First wait of an asynchronous event that was throttled. Default 1 s. */
  readonly asyncThrottleDelayMs?: number;
  /** Events under way of all functions together. Default as on AWS: 1,000; above that it throttles. */
  readonly accountConcurrency?: number;
  /** What it does beside running functions; by default nothing. */
  readonly behaviour?: LambdaBehaviour | undefined;
  /** What becomes of an accepted event before its first attempt; by default it is attempted once, at once. */
  readonly fateOf?: FateOf;
  /** How long `close` waits for what runs. Default 0. */
  readonly closeGraceMs?: number;
}

interface TextOptions extends InvokeOptions {
  readonly requestId?: string;
}

interface StreamTextOptions extends TextOptions {
  /** Leaves the prelude in the bytes. */
  readonly raw?: boolean;
}

export class LambdaService implements AwsService, FunctionInvoker, AsyncDisposable {
  readonly name = 'lambda';
  readonly #options: LambdaServiceOptions;
  readonly #pools = new Map<string, WorkerPool>();
  readonly #events: AsyncEvents;
  readonly #starts: StartGate;
  #closing = false;

  constructor(options: LambdaServiceOptions) {
    this.#options = options;
    this.#starts = new StartGate(options.startsAtOnce);
    this.#events = new AsyncEvents({
      deliver: options.deliver,
      fateOf: (name) => options.fateOf?.(name) ?? options.behaviour?.eventFate?.(),
      retryDelaysMs: options.asyncRetryDelaysMs ?? [60_000, 120_000],
      throttleDelayMs: options.asyncThrottleDelayMs ?? 1000,
    });
  }

  createFunction(definition: FunctionDefinition): void {
    const { functionName } = definition;
    if (this.#pools.has(functionName)) {
      throw new LambdaError('ResourceConflictException', `Function already exist: ${functionName}`);
    }
    const { region, endpointUrl, log } = this.#options;
    const pool = new WorkerPool(definition, {
      functionArn: this.functionArn(functionName),
      region,
      endpointUrl,
      log,
      starts: this.#starts,
      idleMs: this.#options.idleMs ?? 60_000,
      maximumWorkers: this.#options.maximumWorkers ?? 200,
      initTimeoutMs: this.#options.initTimeoutMs ?? 30_000,
      coldStartMs: this.#options.behaviour?.coldStartMs,
    });
    this.#pools.set(functionName, pool);
  }

  functionArn(functionName: string): string {
    const { region, accountId } = this.#options;
    return `arn:aws:lambda:${region}:${accountId}:function:${functionName}`;
  }

  async prewarm(name: string, count: number): Promise<void> {
    await this.#pool(name).prewarm(count);
  }

  async invoke(
    name: string,
    payload: unknown,
    options: InvokeOptions = {},
  ): Promise<InvokeOutcome> {
    const text = requestPayload(payload, SYNC_PAYLOAD_BYTES);
    const outcome = await this.invokeText(name, text, options);
    return 'error' in outcome ? outcome : { payload: payloadOf(outcome.text) };
  }

  async invokeStreaming(
    name: string,
    payload: unknown,
    options: InvokeOptions = {},
  ): Promise<StreamedResponse> {
    return this.streamText(name, requestPayload(payload, SYNC_PAYLOAD_BYTES), options);
  }

  invokeAsync(name: string, payload: unknown): void {
    this.acceptText(name, requestPayload(payload, ASYNC_PAYLOAD_BYTES));
  }

  /** As {@link invoke}, with JSON that has been checked. */
  async invokeText(
    name: string,
    payload: string,
    { signal, requestId = randomUUID() }: TextOptions = {},
  ): Promise<WholeOutcome> {
    const pool = this.#freePool(name);
    const sink = pool.start({ requestId, payload }, (taker) => new WholeAnswer(taker));
    return unlessAborted(sink.outcome, signal);
  }

  /** As {@link invokeStreaming}, with JSON that has been checked. */
  async streamText(
    name: string,
    payload: string,
    { signal, raw = false, requestId = randomUUID() }: StreamTextOptions = {},
  ): Promise<StreamedResponse> {
    const stream = this.#options.behaviour?.stream;
    const pace = stream && new Pace(stream);
    const sink = this.#freePool(name).start(
      { requestId, payload },
      (taker) => new StreamedAnswer(taker, { raw, pace }),
    );
    // An answer that comes after its caller left must not hold the handler in a full window.
    signal?.addEventListener('abort', () => sink.abandon(), { once: true });
    return unlessAborted(sink.response, signal);
  }

  /** As {@link invokeAsync}, with JSON that has been checked. */
  acceptText(name: string, payload: string, requestId: string = randomUUID()): void {
    const { definition } = this.#pool(name);
    this.#events.accept({
      definition,
      functionArn: this.functionArn(definition.functionName),
      requestId,
      payload,
      attempt: () => this.invokeText(definition.functionName, payload, { requestId }),
    });
  }

  functions(): readonly FunctionState[] {
    return [...this.#pools.values()].map((pool) => ({
      ...pool.state,
      pendingEvents: this.#events.pending(pool.definition.functionName),
    }));
  }

  async memory(name: string): Promise<readonly WorkerMemory[]> {
    return this.#pool(name).memory();
  }

  async terminateWorkers(name: string, workerId?: string): Promise<readonly string[]> {
    return this.#pool(name).terminate(workerId);
  }

  /** Throws a `LambdaError` unless the function exists. */
  assertFunction(name: string): void {
    this.#pool(name);
  }

  rights(request: UncheckedRequest) {
    return lambdaRights(request, (name) => this.functionArn(name));
  }

  async handle(request: AwsRequest, response: ServerResponse): Promise<void> {
    await answerLambdaRequest(this, request, response);
  }

  async close(graceMs: number = this.#options.closeGraceMs ?? 0): Promise<void> {
    this.#closing = true;
    const lost = this.#events.close();
    if (lost > 0)
      this.#options.log('lambda', undefined, `${lost} asynchronous events were not finished`);
    const pools = [...this.#pools.values()];
    const quiet = Promise.all(pools.map((pool) => pool.quiet()));
    if (graceMs > 0) await Promise.race([quiet, delay(graceMs, undefined, { ref: false })]);
    await Promise.all(pools.map((pool) => pool.close()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Throws the throttle of the account. */
  #freePool(name: string): WorkerPool {
    const pool = this.#pool(name);
    const { accountConcurrency = 1000 } = this.#options;
    const running = [...this.#pools.values()].reduce((sum, { running }) => sum + running, 0);
    if (running < accountConcurrency) return pool;
    throw pool.throttle(
      `Rate exceeded: ${running} events are under way of at most ${accountConcurrency}`,
    );
  }

  #pool(nameOrArn: string): WorkerPool {
    if (this.#closing) throw new LambdaError('ServiceException', 'Lambda is shutting down');
    const name = /(?:^|:)function:([^:]+)/.exec(nameOrArn)?.[1] ?? nameOrArn.split(':')[0] ?? '';
    const pool = this.#pools.get(name);
    if (pool !== undefined) return pool;
    throw new LambdaError(
      'ResourceNotFoundException',
      `Function not found: ${this.functionArn(name)}`,
    );
  }
}

async function unlessAborted<T>(result: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return result;
  // The caller that left is told so; what the function does afterwards is nobody's.
  result.catch(() => undefined);
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([result, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
