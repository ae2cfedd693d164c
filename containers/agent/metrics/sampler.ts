/**
 * Measures what the sandbox uses, each 5 s, and keeps the last hour of it. Owns when something is told as
 * short. Must never cost more than a few reads of /proc, nor wait for a disk.
 */
import {
  METRIC_INTERVAL_MS,
  METRIC_SAMPLES,
  type Measured,
  type ResourceAlert,
  type ResourceSample,
} from '../../../contract/agent/metrics.ts';
import type { Reading } from './readings.ts';

const WARNING_PERCENT = 80;
const LIMIT_PERCENT = 99;
/** It has to fall so far below before it is told again. */
const BACK_PERCENT = 5;

type Resource = ResourceAlert['resource'];
type Level = 'none' | ResourceAlert['level'];

export interface SamplerOptions {
  readonly read: () => Promise<Reading>;
  readonly intervalMs?: number;
  /** Told the first time. */
  readonly onFailure?: (error: unknown) => void;
}

/** False where it cannot take it now. */
type Listener = (measured: Measured) => boolean;

export class Sampler {
  readonly #options: SamplerOptions;
  readonly #samples: ResourceSample[] = [];
  readonly #levels = new Map<Resource, Level>();
  /** In the order in which they came; one of them hears each sample. */
  readonly #listeners = new Set<Listener>();
  /** Each is found once, so it waits for a listener. */
  readonly #untold = new Map<Resource, ResourceAlert>();
  #before: { readonly reading: Reading; readonly atMs: number } | undefined;
  #oomKills: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #hasFailed = false;

  constructor(options: SamplerOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#timer) return;
    this.#timer = setInterval(
      () => void this.sample().catch((error: unknown) => this.#noteFailure(error)),
      this.#options.intervalMs ?? METRIC_INTERVAL_MS,
    ).unref();
  }

  /** Each sample goes to the first that takes it, so that who hears several hears it once. */
  listen(listener: Listener): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /** Those between two instants, in order. */
  between(fromMs: number, toMs: number): ResourceSample[] {
    return this.#samples.filter(({ at }) => Date.parse(at) >= fromMs && Date.parse(at) <= toMs);
  }

  get last(): ResourceSample | undefined {
    return this.#samples.at(-1);
  }

  async sample(): Promise<ResourceSample> {
    const reading = await this.#options.read();
    const atMs = performance.now();
    const sample = sampleOf(reading, this.#cpuPercent(reading, atMs));
    this.#before = { reading, atMs };
    this.#samples.push(sample);
    if (this.#samples.length > METRIC_SAMPLES) this.#samples.shift();
    for (const alert of this.#alerts(sample, reading)) this.#untold.set(alert.resource, alert);
    const measured = { sample, alerts: [...this.#untold.values()] };
    const isTold = [...this.#listeners].some((listener) => listener(measured));
    if (isTold) this.#untold.clear();
    return sample;
  }

  #noteFailure(error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#options.onFailure?.(error);
  }

  #cpuPercent({ cpuMs, cpuCount }: Reading, atMs: number): number | undefined {
    const before = this.#before;
    if (before?.reading.cpuMs === undefined || cpuMs === undefined || cpuCount === undefined)
      return undefined;
    const percent = ((cpuMs - before.reading.cpuMs) / (atMs - before.atMs) / cpuCount) * 100;
    return Math.round(Math.max(0, Math.min(100, percent)) * 10) / 10;
  }

  #alerts(sample: ResourceSample, reading: Reading): ResourceAlert[] {
    const { cpuPercent, memoryUsedBytes, memoryLimitBytes, diskUsedBytes, diskLimitBytes } = sample;
    const killed = (reading.oomKills ?? 0) > (this.#oomKills ?? reading.oomKills ?? 0);
    this.#oomKills = reading.oomKills;
    return [
      this.#alert('cpu', { used: cpuPercent, limit: cpuPercent === undefined ? undefined : 100 }),
      this.#alert('memory', { used: memoryUsedBytes, limit: memoryLimitBytes, isHit: killed }),
      this.#alert('disk', { used: diskUsedBytes, limit: diskLimitBytes }),
    ].filter((alert) => alert !== undefined);
  }

  #alert(resource: Resource, { used, limit, isHit = false }: Use): ResourceAlert | undefined {
    if (used === undefined || !limit) return undefined;
    const before = this.#levels.get(resource) ?? 'none';
    const level = isHit ? 'limit' : levelOf((used / limit) * 100, before);
    this.#levels.set(resource, level);
    if (level === 'none' || (RANK[level] <= RANK[before] && !isHit)) return undefined;
    return { level, resource, used, limit };
  }
}

interface Use {
  readonly used: number | undefined;
  readonly limit: number | undefined;
  /** Something was ended for want of it since the sample before. */
  readonly isHit?: boolean;
}

const RANK: Readonly<Record<Level, number>> = { none: 0, warning: 1, limit: 2 };

/** It stays what it was until it has fallen clearly below. */
function levelOf(percent: number, before: Level): Level {
  const room = (level: Level) => (RANK[before] >= RANK[level] ? BACK_PERCENT : 0);
  if (percent >= LIMIT_PERCENT - room('limit')) return 'limit';
  return percent >= WARNING_PERCENT - room('warning') ? 'warning' : 'none';
}

function sampleOf(reading: Reading, cpuPercent: number | undefined): ResourceSample {
  const { cpuMs: _, oomKills: __, ...rest } = reading;
  const known = Object.entries({ ...rest, cpuPercent }).filter(([, value]) => value !== undefined);
  return { at: new Date().toISOString(), ...Object.fromEntries(known) };
}
