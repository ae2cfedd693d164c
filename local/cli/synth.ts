/**
 * Synthesizes the CDK app into a folder, by a process of its own, and not at all when nothing that
 * it depends on has changed. The folder is replaced whole, so no asset of an earlier run stays.
 */
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { fingerprint } from './build/fingerprint.ts';
import { withLock } from './build/lock.ts';
import { DIST, ROOT } from './build/paths.ts';
import type { Log } from './build/target.ts';

export interface SynthesizeOptions {
  readonly outDirectory: string;
  /** Deploy configuration, over that of cdk.json. */
  readonly context: Readonly<Record<string, unknown>>;
  readonly log: Log;
  /** AWS's own template validator, which takes longer than the rest together. @default true */
  readonly validate?: boolean;
}

const STAMP = '.synthesized-from';

/** Answers whether the folder was made anew. */
export async function synthesize(options: SynthesizeOptions): Promise<boolean> {
  const outDirectory = resolve(options.outDirectory);
  return withLock(`${outDirectory}.lock`, async () => {
    const context = { ...(await contextOfCdkJson()), ...options.context };
    const hash = await inputsHash(context, options.validate ?? true);
    const stamp = join(outDirectory, STAMP);
    if ((await readFile(stamp, 'utf8').catch(() => '')) === hash) return false;
    const begun = performance.now();
    const filling = `${outDirectory}.filling`;
    await rm(filling, { recursive: true, force: true });
    await mkdir(dirname(filling), { recursive: true });
    await runApp(filling, context, options.validate ?? true);
    await writeFile(join(filling, STAMP), hash);
    await rm(outDirectory, { recursive: true, force: true });
    await rename(filling, outDirectory);
    options.log(`synthesized in ${Math.round(performance.now() - begun)} ms`);
    return true;
  });
}

/** The CDK's command line hands over this context; without it we do. */
async function contextOfCdkJson(): Promise<Record<string, unknown>> {
  const text = await readFile(join(ROOT, 'cdk.json'), 'utf8');
  return (JSON.parse(text) as { context: Record<string, unknown> }).context;
}

async function inputsHash(
  context: Readonly<Record<string, unknown>>,
  validate: boolean,
): Promise<string> {
  const lambdas = await readdir(join(ROOT, 'lambdas'));
  const paths = [
    ...['lib', 'bin', 'contract', 'cdk.json', 'package-lock.json'].map((path) => join(ROOT, path)),
    ...lambdas.map((name) => join(ROOT, 'lambdas', name, 'env.ts')),
    ...(await assetInputs(context['dist'])),
  ];
  return fingerprint(ROOT, paths, JSON.stringify({ context, validate, node: process.version }));
}

/** Of a build its stamps say all; another folder is read itself. */
async function assetInputs(dist: unknown): Promise<string[]> {
  const folder = typeof dist === 'string' ? (isAbsolute(dist) ? dist : join(ROOT, dist)) : DIST;
  const stamps = join(folder, '.stamps');
  const isBuild = await readdir(stamps).then(
    () => true,
    () => false,
  );
  return [isBuild ? stamps : folder];
}

async function runApp(
  outDirectory: string,
  context: Readonly<Record<string, unknown>>,
  validate: boolean,
): Promise<void> {
  const env = {
    ...process.env,
    CDK_OUTDIR: outDirectory,
    CDK_CONTEXT_JSON: JSON.stringify(context),
    // Compiling aws-cdk-lib takes a second; the compiled code is kept beside the build.
    NODE_COMPILE_CACHE: join(DIST, 'cache/node'),
    ...(validate ? {} : { CDK_VALIDATION: 'false' }),
  };
  try {
    await promisify(execFile)(process.execPath, ['bin/code-interpreter.ts'], {
      cwd: ROOT,
      env,
      maxBuffer: 64 * 1024 * 1024,
    });
  } catch (error) {
    const { stderr = '', stdout = '' } = error as { stderr?: string; stdout?: string };
    throw new Error(`the CDK app failed:\n${readable(`${stdout}\n${stderr}`)}`, { cause: error });
  }
}

/** Node prints the line that threw, which in a minified package is a whole file. */
function readable(output: string): string {
  return output
    .split('\n')
    .filter((line) => line.length < 1000)
    .join('\n')
    .trim();
}
