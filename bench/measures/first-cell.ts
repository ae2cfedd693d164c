/** The first cell of a fresh Python context with the imports of a data scientist, and a plot. */
import { type Measure, warmSandbox } from '../measure.ts';
import { sample } from '../stats.ts';
import { BenchError } from '../target.ts';

const CODE = `
import numpy as np, pandas as pd, matplotlib.pyplot as plt
pd.DataFrame({"n": np.arange(5)}).plot()
plt.show()`;

export const firstCell: Measure = {
  name: 'first-cell',
  summary: 'imports of numpy, pandas and pyplot and a plot, in a context that has run nothing',
  runs: 10,
  run: async (bench) => {
    await using sandbox = await warmSandbox(bench);
    const samples = await sample(bench, async () => {
      const { id } = await sandbox.contexts.create({ language: 'python' });
      const { outcome, results, metrics } = await sandbox.execute(CODE, {
        contextId: id,
        timeoutMs: 120_000,
        signal: bench.signal,
      });
      await sandbox.contexts.delete(id);
      if (outcome !== 'ok' || results[0]?.data?.['image/png'] === undefined)
        throw new BenchError(`the plot came to ${outcome} with ${results.length} results`);
      return metrics.wallMs;
    });
    return [{ name: 'first cell', unit: 'ms', samples, note: 'as the agent measures it' }];
  },
};
