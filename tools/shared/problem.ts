/**
 * What a tool could not do, told to whoever typed the command: what happened and what to do. Of such
 * a problem the text is all; anything else that is thrown is a bug of ours, and keeps its stack.
 */
export class Problem extends Error {
  override readonly name = 'Problem';
}

export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** Runs a tool to its exit code. */
export async function runTool(main: () => Promise<number>): Promise<void> {
  try {
    process.exitCode = await main();
  } catch (error) {
    process.exitCode = 1;
    const text = error instanceof Error && !(error instanceof Problem) ? error.stack : undefined;
    process.stderr.write(`${text ?? messageOf(error)}\n`);
  }
}
