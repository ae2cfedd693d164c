/**
 * The first cell of a sandbox from the pool, with the imports of a data scientist and a plot; and the same in a further
 * context at once, whose interpreter has had no time to load them.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Sandbox } from '../../sdk/typescript/src/index.ts';
import type { Bench, Measure } from '../measure.ts';
import { sample } from '../stats.ts';
import { BenchError } from '../target.ts';

const CODE = `
import numpy as np, pandas as pd, matplotlib.pyplot as plt
pd.DataFrame({"n": np.arange(5)}).plot()
plt.show()`;
/** A pool's sandbox boots, waits for quiet and loads meanwhile. */
const POOL_MS = 5_000;

export const firstCell: Measure = {
  name: 'first-cell',
  summary: 'imports of numpy, pandas and pyplot and a plot, as the first cell of a pooled sandbox',
  runs: 10,
  run: async (bench) => {
    const rows = { pooled: [] as number[], further: [] as number[] };
    await sample(bench, async () => {
      await pause(POOL_MS, undefined, { signal: bench.signal });
      await using sandbox = await bench.client.createSandbox({
        runtime: 'python',
        signal: bench.signal,
      });
      rows.pooled.push(await cell(bench, sandbox));
      const { id } = await sandbox.contexts.create({ language: 'python' });
      rows.further.push(await cell(bench, sandbox, id));
      return 0;
    });
    const note = 'as the agent measures it';
    return [
      { name: 'first cell', unit: 'ms', samples: rows.pooled, note },
      { name: 'of a further context', unit: 'ms', samples: rows.further, note },
    ];
  },
};

async function cell({ signal }: Bench, sandbox: Sandbox, contextId?: string): Promise<number> {
  const { outcome, results, metrics } = await sandbox.execute(CODE, {
    ...(contextId === undefined ? {} : { contextId }),
    timeoutMs: 120_000,
    signal,
  });
  if (outcome !== 'ok' || results[0]?.data?.['image/png'] === undefined)
    throw new BenchError(`the plot came to ${outcome} with ${results.length} results`);
  return metrics.wallMs;
}
