/** The runs of one sandbox: reads their events, calls who hears of them, numbers what is written to each. */
import type * as z from 'zod/mini';
import type { StdinPart } from '../../../contract/agent/protocol.ts';
import type { Event } from '../../../contract/events.ts';
import type { ExecuteBody, Result } from '../../../contract/rest/executions.ts';
import { resultOf, textOf } from '../../../contract/results.ts';
import { run } from './events/run.ts';
import { type ExecutionResult, ResultFold } from './result.ts';
import { Stdin } from './stdin.ts';
import type { Api } from './transport/http.ts';
import { callUntilRoom } from './transport/retry.ts';
import { withData } from './whole-results.ts';

/** How code is run. */
export interface RunOptions extends Omit<z.input<typeof ExecuteBody>, 'code'> {
  /**
   * Under the same key the code runs once in 24 h: a repeat reads the events of the first run.
   *
   * @default a key of this call's own
   */
  idempotencyKey?: string;
  /**
   * Ends the reading and interrupts the code (SIGINT, after 5 s SIGKILL). The call rejects with the
   * signal's reason once the interrupt was asked for.
   */
  signal?: AbortSignal;
}

/**
 * How code is run, and who hears of it. A callback that answers a promise is waited for before the
 * next event is read, so a slow one slows the reading and never the code.
 */
export interface ExecuteOptions extends RunOptions {
  /** Bytes that are not UTF-8 come as U+FFFD; `onEvent` has them as base64. */
  onStdout?: (text: string) => unknown;
  /** As `onStdout`. */
  onStderr?: (text: string) => unknown;
  /** The value of the code (`main`), and what it displays. */
  onResult?: (result: Result) => unknown;
  /** Every event, before the callback of its kind. */
  onEvent?: (event: Event) => unknown;
}

/** @internal */
export class Runs {
  readonly #api: Api;
  readonly #sandboxId: string;
  /** By execution: each numbers what is written to it. */
  readonly #stdins = new Map<string, Stdin>();

  constructor(api: Api, sandboxId: string) {
    this.#api = api;
    this.#sandboxId = sandboxId;
  }

  async execute(code: string, options: ExecuteOptions): Promise<ExecutionResult> {
    const { onStdout, onStderr, onResult, onEvent, ...runOptions } = options;
    const fold = new ResultFold();
    for await (const told of this.run(code, runOptions)) {
      const event = await withData(this.#api, told);
      fold.add(event);
      await onEvent?.(event);
      if (event.type === 'stdout') await onStdout?.(textOf(event));
      else if (event.type === 'stderr') await onStderr?.(textOf(event));
      else if (event.type === 'result') await onResult?.(resultOf(event));
    }
    return fold.result;
  }

  run(code: string, options: RunOptions): AsyncIterable<Event> {
    const { signal, idempotencyKey, ...rest } = options;
    const input = { sandboxId: this.#sandboxId, body: { code, ...rest }, idempotencyKey };
    return this.#forgettingStdin(run(this.#api, input, signal));
  }

  stdin(executionId: string): Stdin {
    const params = { executionId };
    const send = (body: StdinPart) => callUntilRoom(this.#api, 'writeStdin', { params, body });
    const known = this.#stdins.get(executionId) ?? new Stdin(send);
    this.#stdins.set(executionId, known);
    return known;
  }

  /** What has ended reads no more, so its numbers need not be known any more. */
  async *#forgettingStdin(events: AsyncIterable<Event>): AsyncGenerator<Event, void> {
    let executionId: string | undefined;
    for await (const event of events) {
      if (event.type === 'started') ({ executionId } = event);
      if (event.type === 'finished' && executionId !== undefined) this.#stdins.delete(executionId);
      yield event;
    }
  }
}
