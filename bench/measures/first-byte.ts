/** Print → client callback with one reader, prints 200 ms apart, both times by the same clock. */
import { type Measure, warmSandbox } from '../measure.ts';

const GAP_MS = 200;
const MAX_PRINTS = 5_000;

export const firstByte: Measure = {
  name: 'first-byte',
  summary: 'print → client callback, one reader, prints 200 ms apart',
  runs: 50,
  run: async (bench) => {
    const prints = Math.min(bench.runs, MAX_PRINTS, Math.floor(bench.budgetMs / GAP_MS));
    const code = `
import time
for _ in range(${prints}):
    print(time.time_ns(), flush=True)
    time.sleep(${GAP_MS / 1000})
`;
    await using sandbox = await warmSandbox(bench);
    const samples: number[] = [];
    await sandbox.execute(code, {
      signal: bench.signal,
      timeoutMs: Math.max(30_000, prints * GAP_MS * 2),
      onStdout: (text) => {
        const now = performance.timeOrigin + performance.now();
        for (const line of text.trim().split('\n')) samples.push(now - Number(line) / 1e6);
      },
    });
    const sameClock = bench.target.pid !== undefined;
    const note = 'two clocks: sandbox and client may differ';
    return [{ name: 'first-byte', unit: 'ms', samples, ...(sameClock ? {} : { note }) }];
  },
};
