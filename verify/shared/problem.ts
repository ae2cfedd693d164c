/** How the program of a proof ends: with what it found, with words for whoever started it, or by a signal. */
import { constants } from 'node:os';

/** What a proof cannot go on with, in words for whoever started it. */
export class Problem extends Error {
  override readonly name = 'Problem';
}

/** Exit code 2: nothing was proven, and nothing refuted. */
export async function runProof(main: () => Promise<void>): Promise<void> {
  // What it has started ends at the exit, which a signal of itself would leave out.
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.once(name, () => process.exit(128 + constants.signals[name]));
  try {
    await main();
  } catch (error) {
    const isKnown = error instanceof Problem || (error instanceof TypeError && 'code' in error);
    const words = error instanceof Error ? (isKnown ? error.message : error.stack) : String(error);
    process.stderr.write(`${words}\n`);
    process.exitCode = 2;
  }
}

/** An option that counts: `Number` makes of `x` what is never more nor less than anything. */
export function wholeOption(name: string, text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new Problem(`--${name} must be a whole number, not ${JSON.stringify(text)}`);
}
