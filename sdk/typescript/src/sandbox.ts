/** The handle on one sandbox: runs code in it, shows its runs, ends it. Holds no state but its id. */
import type * as z from 'zod/mini';
import type { FileEntry } from '../../../contract/agent/files.ts';
import type { ResourceSample } from '../../../contract/agent/metrics.ts';
import type { Validation } from '../../../contract/agent/validation.ts';
import type { Event, MimeBundle } from '../../../contract/events.ts';
import type { ExecutionSummary, Result } from '../../../contract/rest/executions.ts';
import type {
  Sandbox as SandboxInfo,
  UpdateSandboxBody,
} from '../../../contract/rest/sandboxes.ts';
import type { Language } from '../../../contract/runtimes.ts';
import { Contexts } from './contexts.ts';
import { type WaitOptions, waitUntilRunning } from './create.ts';
import { CodeInterpreterError } from './errors.ts';
import { Files } from './files/files.ts';
import type { TransferOptions } from './files/options.ts';
import { blobOf, type FileData, localBlob, writeLocal } from './files/source.ts';
import { type Paged, paged } from './paged.ts';
import { Processes } from './processes/processes.ts';
import type { ExecutionResult } from './result.ts';
import { type ExecuteOptions, type RunOptions, Runs } from './runs.ts';
import type { Stdin } from './stdin.ts';
import type { Api } from './transport/http.ts';
import { call } from './transport/retry.ts';
import { readResult } from './whole-results.ts';

/** What of a sandbox can be changed. */
export type UpdateSandboxOptions = z.input<typeof UpdateSandboxBody>;

/** Some browsers do not have the symbol yet, and a method cannot be named `undefined`. */
const asyncDispose: typeof Symbol.asyncDispose =
  Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose');

/**
 * A sandbox. Made by {@link CodeInterpreter.createSandbox} and {@link CodeInterpreter.getSandbox}.
 *
 * @example
 * ```ts
 * await using sandbox = await client.createSandbox({ runtime: 'python' });
 * const { stdout } = await sandbox.execute('print("hello")');
 * ```
 */
export class Sandbox implements AsyncDisposable {
  /** Its named interpreter states. */
  readonly contexts: Contexts;
  readonly #api: Api;
  readonly #runs: Runs;
  #info: SandboxInfo;
  /** Its files, by path. */
  readonly files: Files;
  /** Its commands that go on by themselves, and its terminals. */
  readonly processes: Processes;

  /** @internal */
  constructor(api: Api, info: SandboxInfo) {
    this.contexts = new Contexts(api, info.id);
    this.#api = api;
    this.#info = info;
    this.#runs = new Runs(api, info.id);
    this.files = new Files(api, info.id);
    this.processes = new Processes(api, info.id);
  }

  /** Its id, with which {@link CodeInterpreter.getSandbox} finds it again. */
  get id(): string {
    return this.#info.id;
  }

  /** Its status when it was last read: {@link refresh} reads it afresh. */
  get status(): SandboxInfo['status'] {
    return this.#info.status;
  }

  /** All that was last read of it, without a request. */
  get info(): SandboxInfo {
    return this.#info;
  }

  /**
   * Reads the sandbox as it is now.
   *
   * @throws {@link CodeInterpreterError} `SANDBOX_NOT_FOUND`
   */
  async refresh(): Promise<SandboxInfo> {
    this.#info = await call(this.#api, 'getSandbox', { params: { sandboxId: this.id } });
    return this.#info;
  }

  /**
   * Waits for one that was made with `wait: false`, or is being launched for somebody else.
   *
   * @throws {@link CodeInterpreterError} `SANDBOX_GONE` with the reason where it ended before it
   *   ran, `DEADLINE_EXCEEDED` after `waitMs`; it is not ended then
   */
  async waitUntilRunning(options: WaitOptions = {}): Promise<SandboxInfo> {
    this.#info = await waitUntilRunning(this.#api, this.#info, options);
    return this.#info;
  }

  /**
   * Runs code and answers what came of it, with callbacks for what it prints meanwhile.
   *
   * Code that raises, times out or is killed is a result with its `outcome`, not a throw. A
   * callback that throws ends the reading with its error; the code goes on.
   *
   * @throws {@link CodeInterpreterError} where the run was refused, such as `SANDBOX_GONE`
   * @throws {@link ConnectionError} where the API cannot be reached (any more)
   *
   * @example
   * ```ts
   * const result = await sandbox.execute('import time\nfor i in range(3): print(i); time.sleep(1)', {
   *   onStdout: (text) => process.stdout.write(text),
   * });
   * if (result.outcome !== 'ok') console.error(result.outcome, result.error?.traceback);
   * ```
   */
  async execute(code: string, options: ExecuteOptions = {}): Promise<ExecutionResult> {
    return this.#runs.execute(code, options);
  }

  /**
   * The forms of a result, also where it came by `ref` instead of `data`, as results over 256 KiB do in
   * the events of {@link run}. {@link execute} has read them already.
   *
   * @throws {@link CodeInterpreterError} `CURSOR_EXPIRED` where the output is no longer kept
   */
  readResult(result: Pick<Result, 'data' | 'ref'>): Promise<MimeBundle> {
    return readResult(this.#api, result);
  }

  /**
   * Runs code and hands out its events, each once and in order; the loop ends after `finished`.
   *
   * The code is sent when the loop begins. Breaking out of the loop only stops the reading: abort
   * `signal` to stop the code.
   *
   * @throws as {@link execute}
   *
   * @example
   * ```ts
   * for await (const event of sandbox.run('print("hello")')) {
   *   if (event.type === 'stdout') console.log(event.text);
   * }
   * ```
   */
  run(code: string, options: RunOptions = {}): AsyncIterable<Event> {
    return this.#runs.run(code, options);
  }

  /**
   * The stdin of a run that was started with `keepStdinOpen`; its `started` event has the id. It
   * numbers what is written, from 1: write to a run by one `Sandbox` object.
   */
  stdin(executionId: string): Stdin {
    return this.#runs.stdin(executionId);
  }

  /**
   * Gives the sandbox so much life from now on, more or less than it had.
   *
   * @throws {@link CodeInterpreterError} `SANDBOX_GONE`, `VALIDATION_ERROR`
   *
   * @example
   * ```ts
   * await sandbox.extend({ lifetimeMs: 600_000 });
   * ```
   */
  async extend({ lifetimeMs }: { lifetimeMs: number }): Promise<SandboxInfo> {
    return this.update({ lifetimeMs });
  }

  /**
   * Changes what is given: `metadata` takes the place of all that was there, the new expiry of
   * `lifetimeMs` counts from now.
   *
   * @throws {@link CodeInterpreterError} `SANDBOX_GONE`, `VALIDATION_ERROR`
   */
  async update(changes: UpdateSandboxOptions): Promise<SandboxInfo> {
    const params = { sandboxId: this.id };
    this.#info = await call(this.#api, 'updateSandbox', { params, body: changes });
    return this.#info;
  }

  /**
   * Uploads a file of up to 5 GiB. A string is a path of this machine (Node only), which is read as
   * it is sent.
   *
   * @throws as {@link Files.write}
   *
   * @example
   * ```ts
   * await sandbox.uploadFile('data/model.bin', './model.bin', {
   *   onProgress: ({ step, doneBytes, totalBytes }) => console.log(step, doneBytes / totalBytes),
   * });
   * ```
   */
  async uploadFile(
    path: string,
    data: string | FileData,
    options: TransferOptions = {},
  ): Promise<FileEntry> {
    const blob = typeof data === 'string' ? await localBlob(data) : await blobOf(data);
    return this.files.send(path, blob, options);
  }

  /**
   * Downloads a file of up to 5 GiB into memory, or to a path of this machine (Node only), which is
   * written whole or not at all.
   *
   * @throws as {@link Files.read}
   *
   * @example
   * ```ts
   * const bytes = await sandbox.downloadFile('out.png');
   * await sandbox.downloadFile('data/large.bin', { to: './large.bin' });
   * ```
   */
  downloadFile(path: string, options?: TransferOptions): Promise<Uint8Array>;
  downloadFile(path: string, options: TransferOptions & { to: string }): Promise<void>;
  async downloadFile(
    path: string,
    { to, ...options }: TransferOptions & { to?: string } = {},
  ): Promise<Uint8Array | void> {
    if (to === undefined) return this.files.read(path, options);
    await writeLocal(to, (take) => this.files.receive(path, options, take));
  }

  /** Its executions, newest first, without their output. */
  executions(): Paged<ExecutionSummary> {
    return paged(
      (query) => call(this.#api, 'listExecutions', { params: { sandboxId: this.id }, query }),
      (execution) => execution,
    );
  }

  /**
   * What it uses: samples 5 s apart, of the last hour, or of the part that is asked for.
   *
   * @throws {@link CodeInterpreterError} `SANDBOX_GONE`: they end with the sandbox
   */
  async metrics({ from, to }: { from?: Date; to?: Date } = {}): Promise<ResourceSample[]> {
    const query = { from: from?.toISOString(), to: to?.toISOString() };
    return (await call(this.#api, 'getMetrics', { params: { sandboxId: this.id }, query })).items;
  }

  /**
   * Says whether code is well formed, and where it is not. None of it runs.
   *
   * @throws {@link CodeInterpreterError} `NOT_SUPPORTED` where the sandbox does not have the language
   */
  validate(code: string, { language }: { language: Language }): Promise<Validation> {
    const params = { sandboxId: this.id };
    return call(this.#api, 'validateCode', { params, body: { code, language } });
  }

  /**
   * Ends the sandbox and all that runs in it; again does no harm.
   *
   * @throws {@link CodeInterpreterError} `SANDBOX_NOT_FOUND`
   */
  async terminate(): Promise<void> {
    this.#info = await call(this.#api, 'terminateSandbox', { params: { sandboxId: this.id } });
    // An open WebSocket would keep a program that is done from ending.
    this.#api.socket.closeIfIdle();
  }

  /** {@link terminate}, at the end of an `await using`; a sandbox that is gone is what it wants. */
  async [asyncDispose](): Promise<void> {
    try {
      await this.terminate();
    } catch (error) {
      const gone =
        error instanceof CodeInterpreterError &&
        ['SANDBOX_NOT_FOUND', 'SANDBOX_GONE'].includes(error.code);
      if (!gone) throw error;
    }
  }
}
