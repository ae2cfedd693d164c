/**
 * One thing that the build makes, made only when its inputs changed. The stamp is written last, so
 * that a build that was cut off is done again.
 */
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fingerprint } from './fingerprint.ts';
import { ROOT, STAMPS } from './paths.ts';

export type Log = (line: string) => void;

export interface Target {
  readonly name: string;
  /** Files and folders, relative to the repository. */
  readonly inputs: readonly string[];
  /** What else the result depends on. */
  readonly salt?: string;
  /** Must exist for the target to count as made. */
  readonly outputs: readonly string[];
  /** Answers what it made, for the log. */
  readonly make: () => Promise<string>;
}

/** A change of the build itself makes everything anew. */
const OF_ALL_TARGETS = ['local/cli/build', 'package-lock.json', 'tsconfig.json'];

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** Answers whether it was made. */
export async function makeIfChanged(
  target: Target,
  log: Log,
  stamps: string = STAMPS,
): Promise<boolean> {
  const { name, inputs, outputs, salt } = target;
  const paths = [...inputs, ...OF_ALL_TARGETS].map((path) => join(ROOT, path));
  const hash = await fingerprint(ROOT, paths, salt);
  const stamp = join(stamps, name);
  const stamped = await readFile(stamp, 'utf8').catch(() => '');
  if (stamped === hash && (await Promise.all(outputs.map(exists))).every(Boolean)) return false;
  const begun = performance.now();
  const made = await target.make();
  await mkdir(stamps, { recursive: true });
  await writeFile(stamp, hash);
  log(`built ${name}: ${made} in ${Math.round(performance.now() - begun)} ms`);
  return true;
}
