/** createSandbox called → first output byte of a Python `print` at the client, pool full before. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Measure } from '../measure.ts';
import { settled } from '../processes.ts';
import { sample } from '../stats.ts';

/** Where the pool cannot be watched, it is given this long to refill. */
const REFILL_MS = 5_000;

export const tti: Measure = {
  name: 'tti',
  summary: 'createSandbox called → first byte of a print at the client, pool full before each run',
  runs: 20,
  run: async ({ client, target: { pid }, runs, budgetMs, signal }) => {
    const full = pid === undefined ? 0 : await settled(pid, { atLeast: 1 });
    const refilled = () => (pid === undefined ? pause(REFILL_MS) : settled(pid, { atLeast: full }));
    const samples = await sample({ runs, budgetMs }, async () => {
      await refilled();
      const from = performance.now();
      let took = Number.NaN;
      await using sandbox = await client.createSandbox({ runtime: 'python', signal });
      await sandbox.execute('print("x", flush=True)', {
        signal,
        onStdout: () => {
          if (Number.isNaN(took)) took = performance.now() - from;
        },
      });
      return took;
    });
    return [{ name: 'tti', unit: 'ms', samples }];
  },
};
