/**
 * One sandbox: its state, its executions and its end. Owns the order in which things stop. Must
 * never leave a process of user code behind.
 */
import type { DrainResponse } from '../../contract/agent/protocol.ts';
import type { Contexts } from './contexts/contexts.ts';
import type { Validator } from './contexts/validator.ts';
import type { Execution } from './executions/execution.ts';
import type { ExecutionRegistry } from './executions/registry.ts';
import type { FileSystem } from './files/file-system.ts';
import type { Uploads } from './files/uploads.ts';
import type { Watches } from './files/watches.ts';
import type { Log } from './log.ts';
import type { Sampler } from './metrics/sampler.ts';
import type { ProcessRuns } from './processes/process-runs.ts';
import type { Processes } from './processes/processes.ts';
import type { SandboxState } from './sandbox-state.ts';

export interface SandboxOptions {
  readonly taskId: string | undefined;
  readonly state: SandboxState;
  readonly executions: ExecutionRegistry;
  readonly contexts: Contexts;
  readonly validator: Validator;
  readonly files: FileSystem;
  readonly uploads: Uploads;
  readonly watches: Watches;
  readonly processes: Processes;
  readonly processRuns: ProcessRuns;
  readonly sampler: Sampler;
  readonly keepaliveMs: number;
  readonly drainMs: number;
  readonly killAllOfUser: () => Promise<void>;
  readonly log: Log;
}

export class Sandbox {
  readonly taskId: string | undefined;
  readonly state: SandboxState;
  readonly executions: ExecutionRegistry;
  readonly contexts: Contexts;
  readonly validator: Validator;
  readonly files: FileSystem;
  readonly uploads: Uploads;
  readonly watches: Watches;
  readonly processes: Processes;
  readonly processRuns: ProcessRuns;
  readonly sampler: Sampler;
  readonly keepaliveMs: number;
  readonly log: Log;
  readonly #options: SandboxOptions;

  constructor(options: SandboxOptions) {
    this.#options = options;
    this.taskId = options.taskId;
    this.state = options.state;
    this.executions = options.executions;
    this.contexts = options.contexts;
    this.validator = options.validator;
    this.files = options.files;
    this.uploads = options.uploads;
    this.watches = options.watches;
    this.processes = options.processes;
    this.processRuns = options.processRuns;
    this.sampler = options.sampler;
    this.keepaliveMs = options.keepaliveMs;
    this.log = options.log;
  }

  /** Kills what runs, then waits for the readers, but not for ever. */
  async drain(): Promise<DrainResponse> {
    const killed = await this.stopUserCode();
    const unread = () => this.executions.all().filter((execution) => !execution.isRead);
    await Promise.race([
      Promise.all(unread().map((execution) => execution.read)),
      new Promise((resolve) => setTimeout(resolve, this.#options.drainMs).unref()),
    ]);
    const ids = (executions: Execution[]) => executions.map(({ id }) => id);
    return { killed: ids(killed), unread: ids(unread()) };
  }

  /** Nothing of user code runs after this, and nothing new begins. */
  async stopUserCode(): Promise<Execution[]> {
    this.state.drain();
    this.watches.close();
    const closing = Promise.all([this.contexts.close(), this.processes.close()]);
    await this.#killAllOfUser();
    const [killed] = await closing;
    // What was being started meanwhile.
    await this.#killAllOfUser();
    if (killed.length > 0) this.log.info('killed what ran', { executions: killed.length });
    return killed;
  }

  async #killAllOfUser(): Promise<void> {
    await this.#options.killAllOfUser().catch((error: unknown) => {
      this.log.error('not every process of user code could be ended', { error: String(error) });
    });
  }
}
