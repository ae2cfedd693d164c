/**
 * A running task as the port shows it, whatever isolates it.
 * Owns the way to its end: SIGTERM, the grace, SIGKILL, and one clean-up.
 */
import type { RunningTask, TaskExit } from './driver.ts';

/** What a driver can do to the processes of a task. */
export interface TaskProcess {
  /** Settles with the exit code when every process is gone. */
  readonly exited: Promise<number | null>;
  terminate(): void;
  kill(): void;
}

export interface EndedProcess {
  readonly exitCode: number | null;
  /** True where `stop` was called before the end. */
  readonly asked: boolean;
}

export interface TaskOptions {
  readonly address: string;
  readonly process: TaskProcess;
  /** Runs once, after the last process. */
  readonly finish: (ended: EndedProcess) => Promise<TaskExit>;
}

export class Task implements RunningTask {
  readonly address: string;
  readonly exited: Promise<TaskExit>;
  readonly #process: TaskProcess;
  #asked = false;

  constructor({ address, process, finish }: TaskOptions) {
    this.address = address;
    this.#process = process;
    this.exited = process.exited.then((exitCode) => finish({ exitCode, asked: this.#asked }));
  }

  async stop(graceMs: number): Promise<void> {
    this.#asked = true;
    if (graceMs > 0) {
      this.#process.terminate();
      const kill = setTimeout(() => this.#process.kill(), graceMs);
      await this.exited.finally(() => clearTimeout(kill));
    } else {
      this.#process.kill();
      await this.exited;
    }
  }
}
