/**
 * The docker context of the sandbox image, one for each architecture whose node binary is
 * installed. What is in it is the image's own affair: its script fills the folder.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ARCHITECTURES, type Architecture } from '../../shared/architecture.ts';
import { type NodePackage, nodePackageOf } from './node-binaries.ts';
import { DIST, ROOT } from './paths.ts';
import type { Target } from './target.ts';

const SCRIPT = 'containers/image/build.ts';

function imageTarget(architecture: Architecture, node: NodePackage, nodeSize: number): Target {
  const outDirectory = join(DIST, 'image', architecture);
  return {
    name: `image-${architecture}`,
    inputs: [
      'containers/image',
      'containers/launcher',
      'containers/files-helper',
      'containers/pty-helper',
      'containers/languages',
      'dist/agent/agent.mjs',
      join(node.directory, 'package.json'),
    ],
    // Without a compiler the context has no launcher: once there is one, it is made again.
    salt: `${nodeSize} ${existsSync('/usr/bin/gcc')}`,
    outputs: [join(outDirectory, 'Dockerfile'), join(outDirectory, 'image.json')],
    make: async () => {
      // Filled beside its place and moved there whole, so that nobody reads half of it.
      const filling = join(DIST, 'image', `.${architecture}`);
      await mkdir(join(DIST, 'image'), { recursive: true });
      await promisify(execFile)(
        process.execPath,
        [
          SCRIPT,
          `--out=${filling}`,
          `--agent=${join(DIST, 'agent/agent.mjs')}`,
          `--languages=${join(ROOT, 'containers/languages')}`,
          `--node=${node.binary}`,
          `--cache=${join(DIST, 'cache')}`,
        ],
        { cwd: ROOT },
      );
      await rm(outDirectory, { recursive: true, force: true });
      await rename(filling, outDirectory);
      return 'docker context';
    },
  };
}

/** One for each architecture whose node is installed: this machine's, and what `--arch` has asked for. */
export async function imageTargets(): Promise<Target[]> {
  const targets: Target[] = [];
  for (const architecture of ARCHITECTURES) {
    const node = nodePackageOf(architecture);
    if (node) targets.push(imageTarget(architecture, node, (await stat(node.binary)).size));
  }
  if (targets.length > 0) return targets;
  throw new Error('no node binary for a sandbox: `npm ci` installs it on Linux');
}
