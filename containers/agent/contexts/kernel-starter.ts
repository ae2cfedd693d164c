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
import type { Preloader } from './preloader.ts';

export interface KernelStarterOptions {
  readonly launcher: LauncherOptions;
  readonly drivers: Promise<ReadonlyMap<Language, LanguageDriver>>;
  readonly workspace: string;
  /** All that user code finds, beside what `init` and the request bring. */
  readonly environment: Readonly<Record<string, string>>;
  readonly pipeDirectory: string;
  /** Of sessions that are no strays, beside the kernels. */
  readonly otherLeaders: () => readonly number[];
  readonly preloader: Preloader;
  readonly log: Log;
}

export interface KernelRequest {
  readonly language: Language;
  /** Whether something kills the kernels of this context as soon as they live. */
  readonly earlyDeaths: 'none' | 'some' | 'persistent';
  /** False once nobody waits for it any more. */
  readonly isWanted: () => boolean;
}

export class KernelStarter {
  readonly #options: KernelStarterOptions;
  readonly #live = new Set<Kernel>();
  /** One at most of each language, for the next context of it. */
  readonly #spares = new Map<Language, Kernel>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: KernelStarterOptions) {
    this.#options = options;
  }

  /** One after the other: what makes room for one must not end another at its start. */
  start(request: KernelRequest): Promise<Kernel> {
    const started = this.#turn.then(() => this.#startInTurn(request));
    this.#turn = started.catch(() => undefined);
    return started;
  }

  /** Where one context was made, another may be: its interpreter starts before it is asked for. */
  keepSpare(request: KernelRequest): void {
    this.#turn = this.#turn
      .then(async () => {
        if (this.#spares.has(request.language) || !request.isWanted()) return;
        const kernel = await this.#startOne(request.language);
        this.#putSpare(request.language, kernel);
      })
      .catch((error: unknown) => {
        this.#options.log.warn('no spare interpreter could be started', { error: String(error) });
      });
  }

  async canPreload(language: Language): Promise<boolean> {
    return (await this.#options.drivers).get(language)?.preloadingCommand !== undefined;
  }

  /** Has no turn: whoever asks for an interpreter meanwhile does not wait for it. */
  async startPreloaded(language: Language, signal: AbortSignal): Promise<Kernel> {
    const driver = (await this.#options.drivers).get(language);
    if (driver?.preloadingCommand === undefined)
      throw new Error(`nothing is loaded ahead for ${language}`);
    return this.#startBy({ ...driver, command: driver.preloadingCommand }, signal);
  }

  async #startInTurn(request: KernelRequest): Promise<Kernel> {
    const spare = this.#takeSpare(request.language);
    if (spare?.alive === true && request.isWanted()) {
      this.keepSpare(request);
      return spare;
    }
    const { launcher, log } = this.#options;
    const { earlyDeaths, isWanted, language } = request;
    if (!isWanted()) throw new Error('nobody waits for this interpreter any more');
    if (isCrowded(launcher) || earlyDeaths !== 'none') {
      log.warn('user code left what keeps interpreters from living; ending it before one starts', {
        earlyDeaths,
      });
      await this.#killLeftovers({ all: earlyDeaths === 'persistent' });
    }
    return this.#startOne(language)
      .catch((error: unknown) => this.#startAgain(error, request, { all: false }))
      .catch((error: unknown) => this.#startAgain(error, request, { all: true }));
  }

  #putSpare(language: Language, kernel: Kernel): void {
    this.#spares.set(language, kernel);
    void kernel.exited.then(() => this.#takeSpare(language, kernel));
    this.#options.preloader.offer({
      language,
      bare: () => (this.#spares.get(language) === kernel ? kernel : undefined),
      take: (preloaded) => this.#putSpare(language, preloaded),
    });
  }

  /** Only this one, where one is named. */
  #takeSpare(language: Language, only?: Kernel): Kernel | undefined {
    const spare = this.#spares.get(language);
    if (only === undefined || spare === only) this.#spares.delete(language);
    return spare;
  }

  /** Processes of earlier runs may have used up what a new one needs. */
  async #startAgain(
    error: unknown,
    { isWanted, language }: KernelRequest,
    end: { all: boolean },
  ): Promise<Kernel> {
    if (!isWanted()) throw error;
    this.#options.log.warn('an interpreter did not start; ending what user code left', {
      error: String(error),
    });
    await this.#killLeftovers(end);
    return this.#startOne(language);
  }

  async #startOne(language: Language): Promise<Kernel> {
    const driver = (await this.#options.drivers).get(language);
    if (!driver) throw new Error(`no interpreter of ${language} is installed here`);
    return this.#startBy(driver);
  }

  async #startBy(driver: LanguageDriver, signal?: AbortSignal): Promise<Kernel> {
    const { environment, launcher, log, pipeDirectory, workspace } = this.#options;
    const began = performance.now();
    const limits = { ...launcher, dataBytes: launcher.dataBytes + driver.reservedBytes };
    const kernel = await Kernel.start({
      command: launchCommand(limits, workspace, driver.command),
      env: environment,
      cwd: launcher.launcher === 'none' ? workspace : '/',
      pipeDirectory,
      ...(driver.memoryMark === undefined ? {} : { memoryMark: driver.memoryMark }),
      ...(signal === undefined ? {} : { signal }),
      log,
    });
    this.#live.add(kernel);
    void kernel.exited.then(() => this.#live.delete(kernel));
    const startedMs = Math.round(performance.now() - began);
    log.info('an interpreter is ready', { driver: driver.name, pid: kernel.pid, startedMs });
    return kernel;
  }

  /** Ends what user code has left behind; with the other kernels where that does not help. */
  async #killLeftovers({ all }: { all: boolean }): Promise<void> {
    const { launcher, log, otherLeaders } = this.#options;
    const live = [...this.#live];
    const leaders = new Set([...live.map(({ pid }) => pid), ...otherLeaders()]);
    if (leaders.size > 0) {
      const ended = killStrays(launcher, leaders);
      // Nothing is in the way of an interpreter that does not start all the same.
      if (!isCrowded(launcher) && (!all || ended === 0)) return;
      log.warn('user code leaves no room for another interpreter; ending all of it');
      for (const kernel of live) kernel.dismiss();
    }
    await killAllOfUser(launcher);
  }
}
