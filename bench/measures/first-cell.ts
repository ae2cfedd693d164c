/** The first cell of a sandbox from the pool, with the imports of a data scientist and a plot. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Measure } from '../measure.ts';
import { sample } from '../stats.ts';
import { BenchError } from '../target.ts';

const CODE = `
import numpy as np, pandas as pd, matplotlib.pyplot as plt
pd.DataFrame({"n": np.arange(5)}).plot()
plt.show()`;
/** The pool's next sandbox boots, waits for quiet and loads libraries meanwhile. */
const POOL_MS = 10_000;

export const firstCell: Measure = {
  name: 'first-cell',
  summary: 'imports of numpy, pandas and pyplot and a plot, as the first cell of a pooled sandbox',
  runs: 10,
  run: async (bench) => {
    const { client, signal } = bench;
    const samples = await sample(bench, async () => {
      await pause(POOL_MS, undefined, { signal });
      await using sandbox = await client.createSandbox({ runtime: 'python', signal });
      const { outcome, results, metrics } = await sandbox.execute(CODE, {
        timeoutMs: 120_000,
        signal,
      });
      if (outcome !== 'ok' || results[0]?.data?.['image/png'] === undefined)
        throw new BenchError(`the plot came to ${outcome} with ${results.length} results`);
      return metrics.wallMs;
    });
    return [{ name: 'first cell', unit: 'ms', samples, note: 'as the agent measures it' }];
  },
};
