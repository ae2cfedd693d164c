/** The processes of one sandbox: commands that go on by themselves, and terminals. */
import type * as z from 'zod/mini';
import type {
  Process as ProcessInfo,
  StartProcessBody,
} from '../../../../contract/agent/processes.ts';
import { CodeInterpreterError } from '../errors.ts';
import type { Api } from '../transport/http.ts';
import { call } from '../transport/retry.ts';
import { killProcess, Process, type ProcessListeners } from './process.ts';

/** How a process is started, and who hears what it prints. */
export interface StartProcessOptions
  extends Omit<z.input<typeof StartProcessBody>, 'command'>,
    ProcessListeners {
  /**
   * Under the same key it is started once: a repeat gets the same process.
   *
   * @default a key of this call's own
   */
  idempotencyKey?: string;
}

/**
 * The processes of a sandbox, as `sandbox.processes`.
 *
 * @example
 * ```ts
 * const server = await sandbox.processes.start('python3 -m http.server 8000', {
 *   onStderr: (text) => console.log(text),
 * });
 * await sandbox.execute('curl -s localhost:8000', { language: 'bash' });
 * await server.kill();
 * ```
 */
export class Processes {
  readonly #api: Api;
  readonly #sandboxId: string;

  /** @internal */
  constructor(api: Api, sandboxId: string) {
    this.#api = api;
    this.#sandboxId = sandboxId;
  }

  /**
   * Starts a line of bash or, with `args`, a program; answers once it runs. With callbacks its reading
   * begins at once.
   *
   * @throws {@link CodeInterpreterError} `VALIDATION_ERROR` where there is no such program or directory,
   *   `RESOURCE_LIMIT_ERROR` where the sandbox has its 32 already
   */
  async start(command: string, options: StartProcessOptions = {}): Promise<Process> {
    const { onStdout, onStderr, onEvent, signal, idempotencyKey, ...rest } = options;
    const params = { sandboxId: this.#sandboxId };
    const info = await call(this.#api, 'startProcess', {
      params,
      body: { command, ...rest },
      idempotencyKey: idempotencyKey ?? crypto.randomUUID(),
      signal,
    });
    const process = this.#handle(info);
    if (onStdout || onStderr || onEvent) {
      void process.wait({
        ...(onStdout ? { onStdout } : {}),
        ...(onStderr ? { onStderr } : {}),
        ...(onEvent ? { onEvent } : {}),
        ...(signal ? { signal } : {}),
      });
    }
    return process;
  }

  /** Those that run, and those that ended last. */
  async list(): Promise<ProcessInfo[]> {
    const params = { sandboxId: this.#sandboxId };
    return (await call(this.#api, 'listProcesses', { params })).items;
  }

  /**
   * A process that was started before, also by somebody else.
   *
   * @throws {@link CodeInterpreterError} `PROCESS_NOT_FOUND`
   */
  async connect(pid: number): Promise<Process> {
    const info = (await this.list()).find((process) => process.pid === pid);
    if (info) return this.#handle(info);
    throw new CodeInterpreterError(
      'PROCESS_NOT_FOUND',
      `There is no process ${pid} in sandbox ${this.#sandboxId}; list() shows those that there are.`,
      { status: 404, details: { pid } },
    );
  }

  /** Kills a process and its children. False where there is none, or it had ended. */
  kill(pid: number): Promise<boolean> {
    return killProcess(this.#api, { sandboxId: this.#sandboxId, pid: String(pid) });
  }

  #handle(info: ProcessInfo): Process {
    const { executionId } = info;
    if (executionId !== undefined)
      return new Process(this.#api, this.#sandboxId, { ...info, executionId });
    throw new CodeInterpreterError(
      'NOT_SUPPORTED',
      `Process ${info.pid} was started by an E2B client, which alone can read it.`,
      { status: 422, details: { pid: info.pid } },
    );
  }
}
