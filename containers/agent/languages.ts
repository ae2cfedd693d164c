/**
 * Finds out which languages this machine can run: reads the manifests and probes their drivers.
 * Must never run a driver that its manifest does not name.
 */
import { execFile } from 'node:child_process';
import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as z from 'zod/mini';
import { AppError } from '../../contract/errors.ts';
import { Language } from '../../contract/runtimes.ts';

const run = promisify(execFile);
const PROBE_TIMEOUT_MS = 10_000;

const Manifest = z.strictObject({
  language: Language,
  /** Absolute paths, the first that is there is used: never a search of PATH. */
  interpreters: z.array(z.string().check(z.regex(/^\//, 'must be absolute'))),
  /** `{node}` stands for the agent's own interpreter, `{heapMb}` for what a heap may take of the memory. */
  arguments: z.array(z.string()),
  /** Address space that it takes without using it, beyond what its code may have. */
  reservedMb: z._default(z.int().check(z.nonnegative()), 0),
  /** What it says on stderr when it ends itself for want of memory. */
  memoryMark: z.optional(z.string()),
  /** Tells whether code is well formed. */
  validator: z.string(),
  /** The first whose probe exits with 0 is used. */
  drivers: z.array(
    z.strictObject({
      name: z.string(),
      file: z.string(),
      probe: z.array(z.string()),
      /** Has it load heavy libraries before it is ready. */
      preload: z.optional(z.string()),
    }),
  ),
});
type Manifest = z.infer<typeof Manifest>;

/** How the kernel of a language is started. */
export interface LanguageDriver {
  readonly language: Language;
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  /** Takes longer, and has heavy libraries loaded before it is ready. */
  readonly preloadingCommand?: readonly [string, ...string[]];
  /** Reads code and tells what is wrong with it. */
  readonly validator: readonly [string, ...string[]];
  readonly reservedBytes: number;
  readonly memoryMark?: string;
}

export interface FindLanguagesOptions {
  readonly directory: string;
  readonly heapMb: number;
}

export async function findLanguages(
  options: FindLanguagesOptions,
): Promise<Map<Language, LanguageDriver>> {
  const { directory, heapMb } = options;
  const fill = (text: string) =>
    text.replaceAll('{node}', process.execPath).replaceAll('{heapMb}', String(heapMb));
  const entries = await readdir(directory, { withFileTypes: true });
  const drivers = entries
    .filter((entry) => entry.isDirectory())
    .map(async (entry) => {
      const folder = join(directory, entry.name);
      const manifest = await readManifest(folder);
      return findDriver(folder, { ...manifest, arguments: manifest.arguments.map(fill) });
    });
  const found = (await Promise.all(drivers)).filter((driver) => driver !== undefined);
  return new Map(found.map((driver) => [driver.language, driver]));
}

export function languageNotHere(language: Language, allowed: readonly Language[]): AppError {
  return new AppError(
    'NOT_SUPPORTED',
    `language: ${language} is not in this sandbox, which has ${allowed.join(', ') || 'none'}`,
    { details: { field: 'language', value: language, allowed } },
  );
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
    for (const { name, file, probe, preload } of manifest.drivers) {
      const probed = run(interpreter, [...manifest.arguments, ...probe], {
        env: {},
        timeout: PROBE_TIMEOUT_MS,
      });
      if (!(await succeeds(probed))) continue;
      const running = (name: string) =>
        [interpreter, ...manifest.arguments, join(folder, name)] as const;
      const command = running(file);
      const validator = running(manifest.validator);
      const reservedBytes = manifest.reservedMb * 1024 ** 2;
      const { language, memoryMark } = manifest;
      const optional = {
        ...(preload === undefined ? {} : { preloadingCommand: [...command, preload] as const }),
        ...(memoryMark === undefined ? {} : { memoryMark }),
      };
      return { language, name, command, validator, reservedBytes, ...optional };
    }
  }
  return undefined;
}

const succeeds = (work: Promise<unknown>): Promise<boolean> =>
  work.then(
    () => true,
    () => false,
  );
