/**
 * Asynchronous invocation: one event at a time from acceptance to success, or to the record that its destination
 * gets. Held in memory: what waits when the process ends is lost, and said so in the log.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { LambdaError } from './errors.ts';
import { payloadOf, type WholeOutcome } from './sinks.ts';
import type { FunctionDefinition, FunctionError } from './types.ts';

/** What Lambda sends to an on-failure destination. */
export interface DestinationRecord {
  readonly version: '1.0';
  readonly timestamp: string;
  readonly requestContext: {
    readonly requestId: string;
    readonly functionArn: string;
    readonly condition: 'RetriesExhausted' | 'EventAgeExceeded';
    readonly approximateInvokeCount: number;
  };
  readonly requestPayload: unknown;
  readonly responseContext?: {
    readonly statusCode: number;
    readonly executedVersion: '$LATEST';
    readonly functionError: 'Unhandled';
  };
  readonly responsePayload?: FunctionError;
}

export type Deliver = (destinationArn: string, record: DestinationRecord) => Promise<void>;

/** What becomes of an accepted event before its first attempt. */
export interface EventFate {
  /** How often it is delivered: Lambda promises at least once. */
  readonly copies: number;
  /** Before the first attempt, each. */
  readonly waitMs?: number;
  /** Before it, for as long as somebody says. */
  readonly held?: () => Promise<void>;
}

export type FateOf = (functionName: string) => EventFate | undefined;

export interface AsyncEventsOptions {
  readonly deliver: Deliver;
  readonly fateOf: FateOf;
  /** Waits before the first and the second retry. AWS: one minute, two minutes. */
  readonly retryDelaysMs: readonly number[];
  /** First wait after a throttle; doubles up to 300 times that. */
  readonly throttleDelayMs: number;
}

export interface AsyncEvent {
  readonly definition: FunctionDefinition;
  readonly functionArn: string;
  readonly requestId: string;
  readonly payload: string;
  /** One attempt. Throws a `LambdaError` for a throttle. */
  attempt(): Promise<WholeOutcome>;
}

const DEFAULT_MAXIMUM_AGE_SECONDS = 21_600;

const AT_ONCE: EventFate = { copies: 1 };

export class AsyncEvents {
  readonly #options: AsyncEventsOptions;
  readonly #pending = new Map<string, Set<Promise<void>>>();
  readonly #stop = new AbortController();

  constructor(options: AsyncEventsOptions) {
    this.#options = options;
  }

  pending(functionName: string): number {
    return this.#pending.get(functionName)?.size ?? 0;
  }

  accept(event: AsyncEvent): void {
    const { functionName } = event.definition;
    const fate = this.#options.fateOf(functionName) ?? AT_ONCE;
    const ofFunction = this.#pending.get(functionName) ?? new Set();
    this.#pending.set(functionName, ofFunction);
    for (let copy = 0; copy < fate.copies; copy += 1) {
      // Only our own stop rejects: what then waits is lost, as close() says.
      const run: Promise<void> = this.#run(event, fate)
        .catch(() => undefined)
        .finally(() => ofFunction.delete(run));
      ofFunction.add(run);
    }
  }

  /** Gives up what waits. Answers how many events that were. */
  close(): number {
    this.#stop.abort();
    return [...this.#pending.values()].reduce((sum, events) => sum + events.size, 0);
  }

  async #run(event: AsyncEvent, fate: EventFate): Promise<void> {
    const { maximumRetryAttempts, maximumEventAgeSeconds } = event.definition;
    const retries = maximumRetryAttempts ?? 2;
    const giveUpAt =
      performance.now() + (maximumEventAgeSeconds ?? DEFAULT_MAXIMUM_AGE_SECONDS) * 1000;
    if (fate.waitMs !== undefined) await this.#wait(fate.waitMs);
    await fate.held?.();
    this.#stop.signal.throwIfAborted();
    for (let attempts = 1; ; attempts++) {
      const outcome = await this.#attempt(event, giveUpAt);
      if (outcome === 'expired') {
        return this.#giveUp(event, 'EventAgeExceeded', attempts - 1);
      }
      if (!('error' in outcome)) return;
      if (attempts > retries) {
        return this.#giveUp(event, 'RetriesExhausted', attempts, outcome.error);
      }
      const retryInMs = this.#options.retryDelaysMs[attempts - 1] ?? 0;
      if (performance.now() + retryInMs > giveUpAt) {
        return this.#giveUp(event, 'EventAgeExceeded', attempts, outcome.error);
      }
      await this.#wait(retryInMs);
    }
  }

  /** A throttle is no attempt: the event goes back and waits, up to its age. */
  async #attempt(event: AsyncEvent, giveUpAt: number): Promise<WholeOutcome | 'expired'> {
    const { throttleDelayMs } = this.#options;
    for (let throttles = 0; ; throttles++) {
      try {
        return await event.attempt();
      } catch (error) {
        if (!(error instanceof LambdaError)) throw error;
        const waitMs = Math.min(throttleDelayMs * 2 ** throttles, throttleDelayMs * 300);
        if (performance.now() + waitMs > giveUpAt) return 'expired';
        await this.#wait(waitMs);
      }
    }
  }

  async #wait(ms: number): Promise<void> {
    await delay(ms, undefined, { ref: false, signal: this.#stop.signal });
  }

  async #giveUp(
    event: AsyncEvent,
    condition: DestinationRecord['requestContext']['condition'],
    attempts: number,
    error?: FunctionError,
  ): Promise<void> {
    const { definition, functionArn, requestId, payload } = event;
    // What our own stop cut short has not failed.
    if (definition.onFailure === undefined || this.#stop.signal.aborted) return;
    const response =
      error === undefined
        ? {}
        : {
            responseContext: {
              statusCode: 200,
              executedVersion: '$LATEST' as const,
              functionError: 'Unhandled' as const,
            },
            responsePayload: error,
          };
    await this.#options.deliver(definition.onFailure, {
      version: '1.0',
      timestamp: new Date().toISOString(),
      requestContext: {
        requestId,
        functionArn: `${functionArn}:$LATEST`,
        condition,
        approximateInvokeCount: attempts,
      },
      requestPayload: payloadOf(payload),
      ...response,
    });
  }
}
