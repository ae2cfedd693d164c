/**
 * Compiles the programs in C on this machine, for sandboxes that run on it; the image compiles its own.
 * Owns the cache: one static binary per content of source and flags. Must never run the network.
 */
import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { access, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Also the flags of the Dockerfile's first stage. */
export const COMPILER_FLAGS = ['-O2', '-Wall', '-Wextra', '-Werror', '-static', '-s'] as const;

export const launcherSource = fileURLToPath(new URL('launcher.c', import.meta.url));
export const filesHelperSource = fileURLToPath(
  new URL('../files-helper/files-helper.c', import.meta.url),
);

export const ptyHelperSource = fileURLToPath(
  new URL('../pty-helper/pty-helper.c', import.meta.url),
);

/**
 * The path of the compiled launcher, or undefined where there is no C compiler.
 *
 * @param guardId another than an image's, where several agents share a machine
 */
export const compileLauncher = (
  cacheDirectory: string,
  guardId?: number,
): Promise<string | undefined> =>
  compile(launcherSource, cacheDirectory, guardId === undefined ? [] : [`-DGUARD_ID=${guardId}`]);

/** As {@link compileLauncher}. */
export const compileFilesHelper = (cacheDirectory: string): Promise<string | undefined> =>
  compile(filesHelperSource, cacheDirectory);

/** As {@link compileLauncher}. */
export const compilePtyHelper = (cacheDirectory: string): Promise<string | undefined> =>
  compile(ptyHelperSource, cacheDirectory);

async function compile(
  source: string,
  cacheDirectory: string,
  defines: readonly string[] = [],
): Promise<string | undefined> {
  const flags = [...COMPILER_FLAGS, ...defines];
  const name = basename(source, '.c');
  const hash = createHash('sha256')
    .update(await readFile(source))
    .update(`${flags.join(' ')} ${process.arch}`)
    .digest('hex');
  const target = join(cacheDirectory, `${name}-${hash.slice(0, 16)}`);
  if (await exists(target)) return target;
  await mkdir(cacheDirectory, { recursive: true });
  // Two builds at once each compile their own copy; rename makes whichever comes last the one that stays.
  const draft = `${target}.${randomUUID()}`;
  try {
    await run('gcc', [...flags, '-o', draft, source]);
    await rename(draft, target);
    return target;
  } catch (error) {
    await rm(draft, { force: true });
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new Error(`${name}.c does not compile: ${String(error)}`, { cause: error });
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
