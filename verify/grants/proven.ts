/** `proven.json`: each grant of each role → the scenario that fails without it. Runs of a part add to it. */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import type { Grant } from './control.ts';
import { provenName, roleIdOf } from './names.ts';
import type { Verdict } from './trials.ts';

const PROVEN = fileURLToPath(new URL('./proven.json', import.meta.url));
const Proven = z.record(z.string(), z.string());

const nameOf = ({ action, resource, ...grant }: Grant): string =>
  provenName(roleIdOf(grant), action, resource);

export async function readProven(): Promise<z.output<typeof Proven>> {
  return Proven.parse(JSON.parse(await readFile(PROVEN, 'utf8')));
}

/** `all`: the grants of the deployment. What is kept of a grant that is gone, or is tried anew, is forgotten. */
export async function provenBy(
  all: readonly Grant[],
): Promise<(verdicts: readonly Verdict[]) => Promise<void>> {
  const names = new Set(all.map(nameOf));
  const before = Object.entries(await readProven()).filter(([name]) => names.has(name));
  let written = Promise.resolve();
  return (verdicts) => {
    const entries = new Map(before);
    for (const { grant, killer } of verdicts) if (killer) entries.set(nameOf(grant), killer);
    // Two grants may have one name: what has survived somewhere is not proven anywhere.
    for (const { grant, killer } of verdicts) if (!killer) entries.delete(nameOf(grant));
    const sorted = Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
    written = written.then(() => writeFile(PROVEN, `${JSON.stringify(sorted, null, 2)}\n`));
    return written;
  };
}
