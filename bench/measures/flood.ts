/** Far more output than is kept, at full speed: what comes is the head, and the mark tells the rest. */
import { type Measure, warmSandbox } from '../measure.ts';
import { sample } from '../stats.ts';
import { BenchError } from '../target.ts';

const LINE_BYTES = 1_000;
const LINES = 200_000;
const BYTES = LINES * LINE_BYTES;
const CODE = `
import os
block = b"".join(b"%0${LINE_BYTES - 1}d\\n" % n for n in range(1000))
for n in range(${LINES / 1000}):
    rest = memoryview(block)
    while rest: rest = rest[os.write(1, rest):]
`;

export const flood: Measure = {
  name: 'flood',
  summary: '200 MB of output at full speed: kept and dropped add up, and no kept byte is missing',
  runs: 3,
  run: async (bench) => {
    await using sandbox = await warmSandbox(bench);
    const options = { timeoutMs: 180_000, signal: bench.signal };
    const samples = await sample(bench, async () => {
      let kept = 0;
      let dropped = 0;
      let seconds = 0;
      for await (const event of sandbox.run(CODE, options)) {
        if (event.type === 'stdout') kept += checked(event.text ?? '', kept);
        if (event.type === 'truncated') dropped = event.droppedBytes;
        if (event.type === 'finished') seconds = event.metrics.wallMs / 1000;
      }
      if (kept + dropped !== BYTES)
        throw new BenchError(`${kept} bytes kept and ${dropped} dropped are not ${BYTES}`);
      return BYTES / 1e6 / seconds;
    });
    return [{ name: 'flood', unit: 'MB/s', samples, note: 'of the code, to its end' }];
  },
};

/** Each line is its number among its thousand: at every place there is one character that can stand. */
function checked(text: string, at: number): number {
  for (
    let index = (LINE_BYTES - 1 - (at % LINE_BYTES)) % LINE_BYTES;
    index < text.length;
    index += LINE_BYTES
  ) {
    const line = Math.floor((at + index) / LINE_BYTES) % 1000;
    const digits = String(line).padStart(3, '0');
    const told = text.slice(Math.max(0, index - 3), index);
    if (text[index] !== '\n' || !digits.endsWith(told))
      throw new BenchError(`the output is not what was printed near byte ${at + index}`);
  }
  return text.length;
}
