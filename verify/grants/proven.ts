/** `proven.json`: each grant of each role → the scenario that fails without it. Runs of a part add to it. */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import type { Grant } from './control.ts';
import { provenName, roleIdOf } from './names.ts';
import type { Verdict } from './trials.ts';

const PROVEN = fileURLToPath(new URL('./proven.json', import.meta.url));
const Proven = z.record(z.string(), z.string());
type Proven = z.output<typeof Proven>;

export const nameOf = ({ action, resource, ...grant }: Grant): string =>
  provenName(roleIdOf(grant), action, resource);

export async function readProven(): Promise<Proven> {
  return Proven.parse(JSON.parse(await readFile(PROVEN, 'utf8')));
}

/** `all`: the grants of the deployment. */
export async function provenBy(
  all: readonly Grant[],
): Promise<(verdicts: readonly Verdict[]) => Promise<void>> {
  const before = await readProven();
  let written = Promise.resolve();
  return (verdicts) => {
    const sorted = provenAfter(before, all, verdicts);
    written = written.then(() => writeFile(PROVEN, `${JSON.stringify(sorted, null, 2)}\n`));
    return written;
  };
}

/** What is kept of a grant that is gone, or has survived, is forgotten; of one that was not tried it stays. */
export function provenAfter(
  before: Proven,
  all: readonly Grant[],
  verdicts: readonly Verdict[],
): Proven {
  const names = new Set(all.map(nameOf));
  const entries = new Map(Object.entries(before).filter(([name]) => names.has(name)));
  for (const { grant, killer } of verdicts) if (killer) entries.set(nameOf(grant), killer);
  // Two grants may have one name: what has survived somewhere is not proven anywhere.
  for (const { grant, killer, tried } of verdicts)
    if (tried && killer === undefined) entries.delete(nameOf(grant));
  return Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
}
