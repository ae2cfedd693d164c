/** Samples to the figures that are quoted: median, p90, p99 (nearest rank) and how many there are. */

export interface Summary {
  readonly n: number;
  readonly median: number;
  readonly p90: number;
  readonly p99: number;
}

export function summarize(samples: readonly number[]): Summary {
  const sorted = samples.toSorted((a, b) => a - b);
  const rank = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;
  return { n: sorted.length, median: rank(0.5), p90: rank(0.9), p99: rank(0.99) };
}

/** Runs it up to `runs` times; none is begun once the time is over. */
export async function sample(
  { runs, budgetMs }: { runs: number; budgetMs: number },
  once: () => Promise<number>,
): Promise<number[]> {
  const until = performance.now() + budgetMs;
  const samples: number[] = [];
  while (samples.length < runs && (samples.length === 0 || performance.now() < until)) {
    samples.push(await once());
  }
  return samples;
}
