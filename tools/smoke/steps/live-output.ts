/** What code prints is heard while it runs, and its value when it ends. */
import { Problem } from '../../shared/problem.ts';
import { type Step, sandboxOf, seconds } from '../step.ts';

const CODE = `
import time
for word in ("one", "two", "three"):
    print(word, flush=True)
    time.sleep(0.25)
6 * 7
`;
/** The first word is printed 750 ms before the end. */
const AHEAD_MS = 400;

export const liveOutput: Step = {
  name: 'live output',
  run: async (run) => {
    const begunAt = performance.now();
    let firstAt: number | undefined;
    const { stdout, results, outcome } = await sandboxOf(run).execute(CODE, {
      signal: run.signal,
      onStdout: () => {
        firstAt ??= performance.now();
      },
    });
    const endedAt = performance.now();
    const value = results[0]?.data?.['text/plain'];
    if (outcome !== 'ok' || stdout !== 'one\ntwo\nthree\n' || value !== '42')
      throw new Problem(`the code answered ${JSON.stringify({ outcome, stdout, value })}`);
    if (firstAt === undefined || endedAt - firstAt < AHEAD_MS)
      throw new Problem('the output came only with the end: it is not live');
    return `first output after ${seconds(firstAt - begunAt)}, ${seconds(endedAt - firstAt)} before the end`;
  },
};
