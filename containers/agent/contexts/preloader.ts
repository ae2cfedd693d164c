/**
 * Has interpreters with heavy libraries in them ready before anyone asks: each is started in the idle time of the
 * sandbox, beside the bare one that stands ready, and takes its place if nobody has come by then. Owns when there is
 * time and memory for it. Must never keep anyone waiting, nor take from what runs.
 *
 *   a fresh interpreter, then quiet, and memory left → another one loads → it takes the place, the bare one ends
 *   code or a question comes meanwhile               → the one that loads is ended, the bare one serves
 *   the machine is busy, with whatever               → later: many sandboxes may share one, and boot at once
 */
import type { Language } from '../../../contract/runtimes.ts';
import type { Kernel } from '../kernels/kernel.ts';
import type { Log } from '../log.ts';

/** Such an interpreter takes 60 MiB more; this leaves a sandbox of 1 GiB with one, and a smaller one without. */
const ROOM_BYTES = 768 * 1024 * 1024;

export interface PreloaderOptions {
  /** Whether the language has heavy libraries. */
  readonly loads: (language: Language) => Promise<boolean>;
  readonly start: (language: Language, signal: AbortSignal) => Promise<Kernel>;
  /** Memory that the sandbox has left. */
  readonly roomBytes: () => Promise<number>;
  /** Whether no code and no process runs. */
  readonly isIdle: () => boolean;
  /**
   * What all processors of the machine have spent idle, whatever quota this sandbox has of them;
   * undefined where it does not tell.
   */
  readonly idleMs: () => number | undefined;
  /** For how long nothing must have come, nor the machine been busy; 0 does not wait. */
  readonly quietMs: number;
  readonly log: Log;
}

/** Of one processor: what must have been idle. */
const IDLE_SHARE = 0.5;
/** For one place: where something comes again and again, loading would be all that it does. */
const MOST_TRIES = 3;
/** The most is a timer's own. */
const WAIT_MS = { least: 10, most: 2 ** 31 - 1 } as const;

/** Where an interpreter stands ready. */
export interface Place {
  readonly language: Language;
  /** The one that stands there; undefined once someone has it. */
  readonly bare: () => Kernel | undefined;
  readonly take: (preloaded: Kernel) => void;
}

export class Preloader {
  readonly #options: PreloaderOptions;
  #places: Place[] = [];
  readonly #tries = new WeakMap<Place, number>();
  #timer: NodeJS.Timeout | undefined;
  #loading: AbortController | undefined;
  #closed = false;

  constructor(options: PreloaderOptions) {
    this.#options = options;
  }

  offer(place: Place): void {
    void this.#options.loads(place.language).then((loads) => {
      if (!loads || this.#closed || !isOpen(place)) return;
      this.#places.push(place);
      this.#waitForQuiet();
    });
  }

  /** Something is about to run: it gets all that there is. */
  giveWay(): void {
    this.#loading?.abort();
    if (this.#places.length > 0) this.#waitForQuiet();
  }

  close(): void {
    this.#closed = true;
    this.#places = [];
    clearTimeout(this.#timer);
    this.#loading?.abort();
  }

  #waitForQuiet(): void {
    clearTimeout(this.#timer);
    const { idleMs, quietMs } = this.#options;
    const [since, idleBefore] = [performance.now(), idleMs()];
    const wasQuiet = () => {
      const idle = (idleMs() ?? Infinity) - (idleBefore ?? 0);
      return quietMs === 0 || idle >= (performance.now() - since) * IDLE_SHARE;
    };
    // At random, so that sandboxes that wait for the same machine do not begin together.
    const waitMs = Math.max(WAIT_MS.least, quietMs * (1 + Math.random()));
    const most = Math.min(waitMs, WAIT_MS.most);
    this.#timer = setTimeout(() => void this.#next(wasQuiet()), most).unref();
  }

  async #next(wasQuiet: boolean): Promise<void> {
    if (this.#loading) return;
    this.#places = this.#places.filter(isOpen);
    if (this.#places.length === 0) return;
    if (!wasQuiet || !this.#options.isIdle()) {
      this.#waitForQuiet();
      return;
    }
    const place = this.#places.shift();
    if (place && (await this.#fill(place)) === 'ended' && this.#mayTryAgain(place))
      this.#places.push(place);
    if (this.#places.length > 0) this.#waitForQuiet();
  }

  #mayTryAgain(place: Place): boolean {
    const tries = (this.#tries.get(place) ?? 0) + 1;
    this.#tries.set(place, tries);
    return tries < MOST_TRIES && !this.#closed;
  }

  async #fill(place: Place): Promise<'ended' | 'done'> {
    const { log, roomBytes, start } = this.#options;
    const loading = new AbortController();
    this.#loading = loading;
    try {
      const room = await roomBytes();
      if (room < ROOM_BYTES) log.info('no memory to load libraries ahead', { roomBytes: room });
      if (loading.signal.aborted) return 'ended';
      if (room < ROOM_BYTES) return 'done';
      const preloaded = await start(place.language, loading.signal);
      const { pid } = preloaded;
      if (replace(place, preloaded)) log.info('an interpreter has its libraries ready', { pid });
    } catch (error) {
      if (loading.signal.aborted) return 'ended';
      log.warn('no interpreter with libraries could be started', { error: String(error) });
    } finally {
      this.#loading = undefined;
    }
    return 'done';
  }
}

function isOpen(place: Place): boolean {
  const bare = place.bare();
  return bare !== undefined && bare.preloadedBytes === undefined;
}

function replace(place: Place, preloaded: Kernel): boolean {
  const bare = place.bare();
  if (!bare) {
    preloaded.dismiss();
    return false;
  }
  const memoryOf = (kernel: Kernel) => kernel.tree.read()?.memoryBytes ?? 0;
  preloaded.preloadedBytes = Math.max(0, memoryOf(preloaded) - memoryOf(bare));
  place.take(preloaded);
  bare.dismiss();
  return true;
}
