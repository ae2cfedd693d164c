/** A task driver without isolation or processes: a test decides when a task starts, ends or refuses. */
import type { RunningTask, TaskDriver, TaskExit, TaskSpec } from '../../local/sandboxes/driver.ts';

export interface FakeTask {
  readonly spec: TaskSpec;
  readonly address: string;
  /** Grace of each stop that was asked for. */
  readonly stops: number[];
  exit(exit: TaskExit): void;
}

export class FakeTaskDriver implements TaskDriver {
  readonly name = 'fake';
  readonly tasks: FakeTask[] = [];
  readonly #waiting: { count: number; resolve: () => void }[] = [];
  #refusal: Error | undefined;
  #gate: Promise<void> = Promise.resolve();

  /** The next starts fail with this message. */
  refuse(message: string): void {
    this.#refusal = new Error(message);
  }

  /** Starts wait until the answered function is called. */
  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gate = promise;
    return resolve;
  }

  /** Resolves when this many tasks have started. */
  async started(count: number): Promise<readonly FakeTask[]> {
    if (this.tasks.length < count) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.push({ count, resolve });
      await promise;
    }
    return this.tasks;
  }

  async start(spec: TaskSpec): Promise<RunningTask> {
    await this.#gate;
    if (this.#refusal !== undefined) throw this.#refusal;
    const exited = Promise.withResolvers<TaskExit>();
    const address = `127.64.0.${this.tasks.length + 2}`;
    const stops: number[] = [];
    this.tasks.push({ spec, address, stops, exit: exited.resolve });
    for (const { count, resolve } of this.#waiting) if (this.tasks.length >= count) resolve();
    return {
      address,
      exited: exited.promise,
      stop: async (graceMs) => {
        stops.push(graceMs);
        exited.resolve({ exitCode: 143, outOfMemory: false });
      },
    };
  }

  async close(): Promise<void> {
    for (const task of this.tasks) task.exit({ exitCode: 137, outOfMemory: false });
  }
}
