/**
 * What one execution uses of CPU, memory and processes, looked at as it runs: the interpreter lives
 * longer than a run, so no limit of the system's own would fit. Owns the timer. Must never tell a limit
 * twice, nor measure after `stop`.
 */
import type { ExecutionLimits } from '../../../contract/agent/protocol.ts';
import type { Metrics } from '../../../contract/events.ts';
import {
  type ProcessTree,
  readPeak,
  resetPeak,
  type TreeUsage,
} from '../processes/process-tree.ts';

/** What passes between two looks is what a limit may be exceeded by. */
const LIMITED_MS = 100;
/** Where nothing is limited it is for the peak of what children hold. */
const UNLIMITED_MS = 250;
/** All runs share a look at the system that is no older. */
const SHARED_MS = 50;
const MIB = 1024 * 1024;

export type MeasuredLimit = 'cpu' | 'memory' | 'processes';

export interface RunMeterOptions {
  readonly pid: number;
  readonly tree: ProcessTree;
  /** Of its memory, and of that of each of its forks, what no limit is meant for. */
  readonly preloadedBytes?: number;
  readonly limits: ExecutionLimits;
  readonly onLimit: (limit: MeasuredLimit, value: number) => void;
}

export class RunMeter {
  readonly #options: RunMeterOptions;
  readonly #before: Omit<TreeUsage, 'memoryBytes'> | undefined;
  /** The last that could be read, since a dead process tells nothing. */
  #last: TreeUsage | undefined;
  #peakBytes: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #told = false;

  constructor(options: RunMeterOptions) {
    this.#options = options;
    const { limits, pid, tree } = options;
    const isLimited = [limits.cpuMs, limits.memoryMb, limits.processes].some(
      (limit) => limit !== undefined,
    );
    resetPeak(pid);
    this.#before = isLimited ? tree.scan() : tree.count();
    this.#timer = setInterval(() => this.#look(), isLimited ? LIMITED_MS : UNLIMITED_MS);
  }

  /** Takes down what there is, before it is gone. */
  take(): void {
    if (this.#timer === undefined) return;
    const { pid, tree } = this.#options;
    this.#note(tree.read(), readPeak(pid));
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  get metrics(): Omit<Metrics, 'wallMs'> {
    const [before, last] = [this.#before, this.#last];
    const since = (name: 'cpuUserMs' | 'cpuSystemMs') =>
      before && last ? { [name]: Math.max(0, last[name] - before[name]) } : {};
    const peak = this.#peakBytes;
    return {
      ...since('cpuUserMs'),
      ...since('cpuSystemMs'),
      ...(peak === undefined ? {} : { memoryPeakBytes: peak }),
    };
  }

  #look(): void {
    const { pid, tree } = this.#options;
    const usage = tree.scan(SHARED_MS);
    this.#note(usage, readPeak(pid));
    const hit = usage && this.#limitHitBy(usage);
    if (!hit || this.#told) return;
    this.#told = true;
    this.#options.onLimit(...hit);
  }

  #limitHitBy(usage: TreeUsage): [MeasuredLimit, number] | undefined {
    const { limits, preloadedBytes = 0, tree } = this.#options;
    const { cpuMs, memoryMb, processes } = limits;
    const before = this.#before;
    const used = usage.cpuUserMs + usage.cpuSystemMs;
    const usedMs = used - (before ? before.cpuUserMs + before.cpuSystemMs : 0);
    if (cpuMs !== undefined && usedMs >= cpuMs) return ['cpu', cpuMs];
    // A fork of the interpreter holds the libraries again, by the same measure.
    const uncounted = () => preloadedBytes * tree.copies();
    const most = memoryMb === undefined ? undefined : memoryMb * MIB;
    if (most !== undefined && usage.memoryBytes > most && usage.memoryBytes - uncounted() > most)
      return ['memory', most];
    if (processes !== undefined && usage.processes - (before?.processes ?? 1) > processes)
      return ['processes', processes];
    return undefined;
  }

  #note(usage: TreeUsage | undefined, peakBytes: number | undefined): void {
    if (usage) {
      // What ended unseen has taken its time with it.
      const most = (name: 'cpuUserMs' | 'cpuSystemMs') =>
        Math.max(usage[name], this.#last?.[name] ?? 0);
      this.#last = { ...usage, cpuUserMs: most('cpuUserMs'), cpuSystemMs: most('cpuSystemMs') };
    }
    const peaks = [this.#peakBytes, peakBytes, usage?.memoryBytes].filter(
      (bytes) => bytes !== undefined,
    );
    if (peaks.length > 0) this.#peakBytes = Math.max(...peaks);
  }
}
