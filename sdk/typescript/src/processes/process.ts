/** One process of a sandbox: what it prints, what it reads, its end. */
import type {
  PROCESS_SIGNALS,
  Process as ProcessInfo,
} from '../../../../contract/agent/processes.ts';
import type { Event } from '../../../../contract/events.ts';
import { textOf } from '../../../../contract/results.ts';
import { CodeInterpreterError } from '../errors.ts';
import { follow } from '../events/follow.ts';
import { type ExecutionResult, ResultFold } from '../result.ts';
import { Stdin } from '../stdin.ts';
import type { Api } from '../transport/http.ts';
import { call, callUntilRoom } from '../transport/retry.ts';

/** Who hears what a process prints. A callback that answers a promise is waited for. */
export interface ProcessListeners {
  /** Of a terminal, all that it shows. Bytes that are not UTF-8 come as U+FFFD. */
  onStdout?: (text: string) => unknown;
  onStderr?: (text: string) => unknown;
  /** Every event, before the callback of its kind. */
  onEvent?: (event: Event) => unknown;
  /** Ends the reading; the process goes on. */
  signal?: AbortSignal;
}

/** A signal that a process can be sent. */
export type ProcessSignal = (typeof PROCESS_SIGNALS)[number];

/** What a process came to. */
export type ProcessResult = Omit<ExecutionResult, 'results' | 'error'>;

/**
 * A process of a sandbox, by {@link Processes.start} and {@link Processes.connect}. It goes on when nobody
 * reads: the first 64 MiB that it prints are kept and can be read from the beginning; what it prints after
 * them is not to be had.
 *
 * @example
 * ```ts
 * const shell = await sandbox.processes.start('bash', {
 *   pty: { cols: 80, rows: 24 },
 *   onStdout: (text) => process.stdout.write(text),
 * });
 * await shell.write('ls\n');
 * await shell.write('exit\n');
 * const { exitCode } = await shell.wait();
 * ```
 */
export class Process {
  /** As it was when it was started or found. */
  readonly info: ProcessInfo;
  /** Whose events are those of the process. */
  readonly executionId: string;
  readonly #api: Api;
  readonly #params: { sandboxId: string; pid: string };
  readonly #stdin: Stdin;
  #ended: Promise<ProcessResult> | undefined;

  /** @internal */
  constructor(api: Api, sandboxId: string, info: ProcessInfo & { executionId: string }) {
    const params = { sandboxId, pid: String(info.pid) };
    this.info = info;
    this.executionId = info.executionId;
    this.#api = api;
    this.#params = params;
    this.#stdin = new Stdin(
      (body) => callUntilRoom(api, 'writeProcessStdin', { params, body }),
      info.nextStdinSeq,
    );
  }

  get pid(): number {
    return this.info.pid;
  }

  /**
   * Its events, each once and in order, from the first that is kept, or from the one after `after`; the
   * loop ends after `finished`. Breaking out of it only stops the reading.
   *
   * @throws {@link CodeInterpreterError} `CURSOR_EXPIRED` 24 h after its end
   * @throws {@link ConnectionError} where the API cannot be reached any more
   */
  async *events({
    after = 0,
    signal = new AbortController().signal,
  }: {
    after?: number;
    signal?: AbortSignal;
  } = {}): AsyncGenerator<Event, void> {
    const { executionId } = this;
    const way = this.#api.ways.best();
    const found = { executionId, first: undefined, way, after };
    const again = async () => ({ ...found, again });
    yield* follow(this.#api, { ...found, again }, signal);
  }

  /**
   * Waits for its end, with callbacks for what it prints meanwhile. A process that fails or is killed is a
   * result, not a throw. Without callbacks it joins the reading that has begun.
   *
   * @throws as {@link events}
   */
  wait(listeners?: ProcessListeners): Promise<ProcessResult> {
    if (listeners === undefined && this.#ended) return this.#ended;
    const ended = this.#read(listeners ?? {});
    // Whoever waits hears of it; whoever comes later reads anew.
    ended.catch(() => {
      if (this.#ended === ended) this.#ended = undefined;
    });
    this.#ended = ended;
    return ended;
  }

  /**
   * Writes at most 1 MiB to its stdin or terminal, after all that was written before; waits where the
   * process is far behind. After a `ConnectionError` write the same again: it is read once.
   *
   * @throws {@link CodeInterpreterError} `INVALID_SANDBOX_STATE` where it was started without `stdin` or
   *   `pty`, `PROCESS_NOT_FOUND` once it has ended
   */
  write(text: string): Promise<void> {
    return this.#stdin.write(text);
  }

  /** It meets the end of its stdin once it has read all, and the last `text` with it. */
  closeStdin(text = ''): Promise<void> {
    return this.#stdin.close(text);
  }

  /**
   * Gives its terminal another size.
   *
   * @throws {@link CodeInterpreterError} `INVALID_SANDBOX_STATE` where it has none
   */
  async resize(size: { cols: number; rows: number }): Promise<void> {
    await call(this.#api, 'resizeProcess', { params: this.#params, body: size });
  }

  /**
   * Sends a signal to it and its children.
   *
   * @throws {@link CodeInterpreterError} `PROCESS_NOT_FOUND` once it has ended
   */
  async signal(signal: ProcessSignal): Promise<void> {
    await call(this.#api, 'signalProcess', { params: this.#params, body: { signal } });
  }

  /** Kills it and its children. False where it had ended. */
  kill(): Promise<boolean> {
    return killProcess(this.#api, this.#params);
  }

  async #read({ onStdout, onStderr, onEvent, signal }: ProcessListeners): Promise<ProcessResult> {
    const fold = new ResultFold();
    for await (const event of this.events(signal ? { signal } : {})) {
      fold.add(event);
      await onEvent?.(event);
      if (event.type === 'stdout') await onStdout?.(textOf(event));
      else if (event.type === 'stderr') await onStderr?.(textOf(event));
    }
    const { results: _, error: __, ...result } = fold.result;
    return result;
  }
}

/** @internal */
export async function killProcess(
  api: Api,
  params: { sandboxId: string; pid: string },
): Promise<boolean> {
  try {
    await call(api, 'killProcess', { params });
    return true;
  } catch (error) {
    if (error instanceof CodeInterpreterError && error.code === 'PROCESS_NOT_FOUND') return false;
    throw error;
  }
}
