/**
 * Starts the kernels of all contexts and knows which of them live. Owns what is ended to make room
 * for a new one: never a kernel that another context lives by, unless nothing else helps.
 */
import type { Language } from '../../../contract/runtimes.ts';
import { Kernel } from '../kernels/kernel.ts';
import type { LanguageDriver } from '../languages.ts';
import type { Log } from '../log.ts';
import {
  isCrowded,
  killAllOfUser,
  killStrays,
  type LauncherOptions,
  launchCommand,
} from '../processes/user-process.ts';

export interface KernelStarterOptions {
  readonly launcher: LauncherOptions;
  readonly drivers: Promise<ReadonlyMap<Language, LanguageDriver>>;
  readonly workspace: string;
  /** All that user code finds, beside what `init` and the request bring. */
  readonly environment: Readonly<Record<string, string>>;
  readonly pipeDirectory: string;
  readonly log: Log;
}

export class KernelStarter {
  readonly #options: KernelStarterOptions;
  readonly #live = new Set<Kernel>();

  constructor(options: KernelStarterOptions) {
    this.#options = options;
  }

  async start(language: Language): Promise<Kernel> {
    const { drivers, environment, launcher, log, pipeDirectory, workspace } = this.#options;
    const driver = (await drivers).get(language);
    if (!driver) throw new Error(`no interpreter of ${language} is installed here`);
    const began = performance.now();
    const limits = { ...launcher, dataBytes: launcher.dataBytes + driver.reservedBytes };
    const kernel = await Kernel.start({
      command: launchCommand(limits, workspace, driver.command),
      env: environment,
      cwd: launcher.launcher === 'none' ? workspace : '/',
      pipeDirectory,
      ...(driver.memoryMark === undefined ? {} : { memoryMark: driver.memoryMark }),
      log,
    });
    this.#live.add(kernel);
    void kernel.exited.then(() => this.#live.delete(kernel));
    const startedMs = Math.round(performance.now() - began);
    log.info('an interpreter is ready', { driver: driver.name, pid: kernel.pid, startedMs });
    return kernel;
  }

  /** Whether user code has left so much that a kernel may not start. */
  isCrowded(): boolean {
    return isCrowded(this.#options.launcher);
  }

  /** Ends what user code has left behind. */
  async killLeftovers(): Promise<void> {
    const { launcher, log } = this.#options;
    const live = [...this.#live].map(({ pid }) => pid);
    if (live.length > 0) {
      killStrays(launcher, new Set(live));
      if (!isCrowded(launcher)) return;
      log.warn('what user code runs leaves no room for another interpreter; ending all of it');
    }
    await killAllOfUser(launcher);
  }
}
