/**
 * Finds out which languages this machine can run: reads the manifests and probes their drivers.
 * Must never run a driver that its manifest does not name.
 */
import { execFile } from 'node:child_process';
import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as z from 'zod/mini';
import { Language } from '../../contract/runtimes.ts';

const run = promisify(execFile);
const PROBE_TIMEOUT_MS = 10_000;

const Manifest = z.strictObject({
  language: Language,
  /** Absolute paths, the first that is there is used: never a search of PATH. */
  interpreters: z.array(z.string().check(z.regex(/^\//, 'must be absolute'))),
  arguments: z.array(z.string()),
  /** The first whose probe exits with 0 is used. */
  drivers: z.array(
    z.strictObject({ name: z.string(), file: z.string(), probe: z.array(z.string()) }),
  ),
});
type Manifest = z.infer<typeof Manifest>;

/** How the kernel of a language is started. */
export interface LanguageDriver {
  readonly language: Language;
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}

export async function findLanguages(directory: string): Promise<Map<Language, LanguageDriver>> {
  const found = new Map<Language, LanguageDriver>();
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const folder = join(directory, entry.name);
    const driver = await findDriver(folder, await readManifest(folder));
    if (driver) found.set(driver.language, driver);
  }
  return found;
}

async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, 'manifest.json');
  const parsed = Manifest.safeParse(JSON.parse(await readFile(path, 'utf8')));
  if (!parsed.success) throw new Error(`${path}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

async function findDriver(folder: string, manifest: Manifest): Promise<LanguageDriver | undefined> {
  for (const interpreter of manifest.interpreters) {
    if (!(await succeeds(access(interpreter)))) continue;
    for (const { name, file, probe } of manifest.drivers) {
      const probed = run(interpreter, [...manifest.arguments, ...probe], {
        env: {},
        timeout: PROBE_TIMEOUT_MS,
      });
      if (!(await succeeds(probed))) continue;
      const command = [interpreter, ...manifest.arguments, join(folder, file)] as const;
      return { language: manifest.language, name, command };
    }
  }
  return undefined;
}

const succeeds = (work: Promise<unknown>): Promise<boolean> =>
  work.then(
    () => true,
    () => false,
  );
