import { expect, test } from 'vitest';
import { sample, summarize } from '../../../bench/stats.ts';

test('percentiles are samples that were taken, by nearest rank', () => {
  const samples = Array.from({ length: 100 }, (_, i) => 100 - i);
  expect(summarize(samples)).toEqual({ n: 100, median: 50, p90: 90, p99: 99 });
  expect(summarize([3])).toEqual({ n: 1, median: 3, p90: 3, p99: 3 });
  expect(summarize([])).toEqual({ n: 0, median: Number.NaN, p90: Number.NaN, p99: Number.NaN });
});

test('sampling stops at its number of runs, and begins no run after its time, but one', async () => {
  let runs = 0;
  const once = () => Promise.resolve((runs += 1));
  expect(await sample({ runs: 3, budgetMs: 60_000 }, once)).toEqual([1, 2, 3]);
  expect(await sample({ runs: 3, budgetMs: 0 }, once)).toEqual([4]);
});
