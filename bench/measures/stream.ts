/** How fast a lot of output comes, and that all of it comes. */
import { type Measure, warmSandbox } from '../measure.ts';
import { sample } from '../stats.ts';
import { BenchError } from '../target.ts';

const LINE_BYTES = 1_000;
const LINES = 50_000;
const BYTES = LINES * LINE_BYTES;
const CODE = `
import sys
line = "x" * ${LINE_BYTES - 1} + "\\n"
for _ in range(${LINES}):
    sys.stdout.write(line)
`;

export const stream: Measure = {
  name: 'stream',
  summary: '50 MB of prints, from the call to the result; every byte is counted',
  runs: 3,
  run: async (bench) => {
    await using sandbox = await warmSandbox(bench);
    const options = { timeoutMs: 180_000, signal: bench.signal };
    const samples = await sample(bench, async () => {
      const from = performance.now();
      let bytes = 0;
      let outcome = '';
      for await (const event of sandbox.run(CODE, options)) {
        if (event.type === 'stdout') bytes += event.text?.length ?? 0;
        if (event.type === 'finished') outcome = event.outcome;
      }
      const seconds = (performance.now() - from) / 1000;
      if (bytes !== BYTES || outcome !== 'ok') {
        throw new BenchError(`${bytes} of ${BYTES} bytes came, outcome ${outcome}`);
      }
      return bytes / 1e6 / seconds;
    });
    return [{ name: 'stream', unit: 'MB/s', samples }];
  },
};
