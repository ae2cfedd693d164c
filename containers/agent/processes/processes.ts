/**
 * The processes of this sandbox: those that run, and the last that have ended. Owns how many there may
 * be. Must never find one by the number of another: a pid is given again.
 */
import { AppError } from '../../../contract/errors.ts';
import { LIMITS } from '../../../contract/limits.ts';
import type { Execution } from '../executions/execution.ts';
import { Process, type ProcessConfig } from './process.ts';
import { type SpawnOptions, spawnProcess } from './spawn-process.ts';

/** Of those that have ended, so that a late reader still hears the end. */
const KEPT_ENDED = 16;

export interface ProcessesOptions extends Omit<SpawnOptions, 'env'> {
  /** All that user code finds, beneath that of `init` and of the request. */
  readonly environment: Readonly<Record<string, string>>;
  /** Read at each start. */
  readonly baseEnv: () => Record<string, string>;
  /** Throws where nothing new may begin. */
  readonly refuseNew: () => void;
  /** Before each start: what only uses idle time ends. */
  readonly giveWay: () => void;
}

export type ProcessSelector = { readonly pid: number } | { readonly tag: string };

export class Processes {
  readonly #options: ProcessesOptions;
  /** In the order of their starts. */
  #processes: Process[] = [];
  #starting = 0;

  constructor(options: ProcessesOptions) {
    this.#options = options;
  }

  /** `execution`: whose events are also those of the process. */
  async start(config: ProcessConfig, execution?: Execution): Promise<Process> {
    const { environment, baseEnv, giveWay, refuseNew, ...spawning } = this.#options;
    refuseNew();
    this.#refuseTooMany();
    giveWay();
    this.#starting += 1;
    try {
      const env = { ...environment, ...baseEnv(), ...config.env };
      const started = await spawnProcess(config, { ...spawning, env });
      const process = new Process(started, config, execution);
      this.#processes = this.#processes.filter(({ pid }) => pid !== process.pid);
      this.#processes.push(process);
      void process.ended.then(() => this.#forgetOldest());
      return process;
    } finally {
      this.#starting -= 1;
    }
  }

  /** Those that run, and the last that have ended. */
  all(): readonly Process[] {
    return this.#processes;
  }

  running(): Process[] {
    return this.#processes.filter(({ end }) => end === undefined);
  }

  /** Whether none runs or is about to. */
  get idle(): boolean {
    return this.#starting === 0 && this.running().length === 0;
  }

  get(selector: ProcessSelector): Process {
    const isMeant = (process: Process) =>
      'pid' in selector ? process.pid === selector.pid : process.config.tag === selector.tag;
    const found = this.#processes.findLast(isMeant);
    if (found) return found;
    const [field, value] = Object.entries(selector)[0] ?? [];
    throw new AppError(
      'PROCESS_NOT_FOUND',
      `there is no process with ${field} ${JSON.stringify(value)} in this sandbox; list those that run`,
      { details: selector },
    );
  }

  /** What the kernel may take for strays of user code, and is not. */
  leaders(): number[] {
    return this.running().map(({ pid }) => pid);
  }

  /** Kills what runs. */
  async close(): Promise<void> {
    for (const process of this.running()) process.kill();
    await Promise.all(this.running().map(({ ended }) => ended));
  }

  #refuseTooMany(): void {
    const running = this.running().length + this.#starting;
    if (running < LIMITS.processesPerSandbox) return;
    throw new AppError(
      'RESOURCE_LIMIT_ERROR',
      `${running} processes run, ${LIMITS.processesPerSandbox} are allowed; end one`,
      { details: { limit: 'processes', value: LIMITS.processesPerSandbox }, retryAfterSeconds: 1 },
    );
  }

  #forgetOldest(): void {
    const ended = this.#processes.filter(({ end }) => end !== undefined);
    const forgotten = new Set(ended.slice(0, Math.max(0, ended.length - KEPT_ENDED)));
    this.#processes = this.#processes.filter((process) => !forgotten.has(process));
  }
}
