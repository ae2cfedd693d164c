/**
 * Fills the docker context of the sandbox image, and image.json, which tells the same to a local driver.
 * Owns what is in the image and where. Must never read anything of the agent but its finished bundle.
 */
import { chmod, cp, link, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  compileFilesHelper,
  compileLauncher,
  compilePtyHelper,
  filesHelperSource,
  launcherSource,
  ptyHelperSource,
} from '../launcher/compile.ts';
import { writeSeccompTables } from '../launcher/seccomp.ts';
import type { Architecture } from '../launcher/syscalls.ts';
import { digestOf } from './digest.ts';

export interface ImageContextOptions {
  readonly outDirectory: string;
  /** The bundled main of the agent, one ESM file. */
  readonly agentBundle: string;
  readonly languagesDirectory: string;
  /** A Linux binary of node, of the architecture the image is for. */
  readonly nodeBinary: string;
  /** Where compiled programs are kept between builds. @default `cache` beside `outDirectory` */
  readonly cacheDirectory?: string;
}

interface ImageManifest {
  readonly version: 1;
  /** Of all that the Dockerfile reads: an image that was built from the same has the same. */
  readonly digest: string;
  /** `from` is relative to the context, `to` is absolute inside the sandbox; user code reads none that is `rootOnly`. */
  readonly binds: readonly {
    readonly from: string;
    readonly to: string;
    readonly rootOnly?: true;
  }[];
  readonly entrypoint: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

export interface ImageContext {
  readonly manifest: ImageManifest;
  /** False where there is no C compiler: the context builds an image but starts no local sandbox. */
  readonly hasLauncher: boolean;
}

/** What the Dockerfile reads, and the file itself; what is compiled here is for this machine alone. */
export const BUILT_FROM = [
  'Dockerfile',
  'agent.mjs',
  'files-helper.c',
  'languages',
  'launcher.c',
  'node',
  'pty-helper.c',
  'seccomp-arm64.bpf',
  'seccomp-x86_64.bpf',
] as const;

/** The ENV lines of the Dockerfile. */
const ENVIRONMENT = {
  PATH: '/usr/local/bin:/usr/bin:/bin',
  LANG: 'C.UTF-8',
  AGENT_HOST: '0.0.0.0',
  AGENT_PORT: '49983',
  AGENT_LAUNCHER: '/opt/agent/launcher',
  AGENT_SECCOMP: '/opt/agent/seccomp.bpf',
  AGENT_FILES_HELPER: '/opt/agent/files-helper',
  AGENT_PTY_HELPER: '/opt/agent/pty-helper',
  AGENT_LANGUAGES: '/opt/agent/languages',
  AGENT_SPOOL: '/var/lib/agent/spool',
  AGENT_SCRATCH: '/tmp:/var/tmp',
  AGENT_WORKSPACE: '/home/user',
} as const;

const dockerfile = fileURLToPath(new URL('Dockerfile', import.meta.url));

export async function buildImageContext(options: ImageContextOptions): Promise<ImageContext> {
  const { outDirectory } = options;
  await rm(outDirectory, { recursive: true, force: true });
  await mkdir(outDirectory, { recursive: true });
  const into = (name: string): string => join(outDirectory, name);
  const cache = options.cacheDirectory ?? join(dirname(outDirectory), 'cache');
  const [launcher, filesHelper, ptyHelper] = await Promise.all([
    compileLauncher(cache),
    compileFilesHelper(cache),
    compilePtyHelper(cache),
  ]);
  await Promise.all([
    cp(dockerfile, into('Dockerfile')),
    cp(launcherSource, into('launcher.c')),
    cp(filesHelperSource, into('files-helper.c')),
    cp(ptyHelperSource, into('pty-helper.c')),
    cp(options.agentBundle, into('agent.mjs')),
    cp(options.languagesDirectory, into('languages'), {
      recursive: true,
      dereference: true,
      // Whoever runs a driver where it lies leaves this: no part of the image.
      filter: (source) => basename(source) !== '__pycache__',
    }),
    linkOrCopy(options.nodeBinary, into('node')),
    writeSeccompTables(outDirectory),
    ...(launcher === undefined ? [] : [cp(launcher, into('launcher'))]),
    ...(filesHelper === undefined ? [] : [cp(filesHelper, into('files-helper'))]),
    ...(ptyHelper === undefined ? [] : [cp(ptyHelper, into('pty-helper'))]),
  ]);
  const digest = await digestOf(outDirectory, BUILT_FROM);
  const manifest = describeImage(hostArchitecture(), digest);
  await writeFile(into('image.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  await readableByAll(outDirectory);
  return { manifest, hasLauncher: launcher !== undefined };
}

function describeImage(architecture: Architecture, digest: string): ImageManifest {
  return {
    version: 1,
    digest,
    binds: [
      { from: 'agent.mjs', to: '/opt/agent/agent.mjs', rootOnly: true },
      { from: 'node', to: '/opt/agent/node' },
      { from: 'launcher', to: '/opt/agent/launcher' },
      { from: 'files-helper', to: '/opt/agent/files-helper' },
      { from: 'pty-helper', to: '/opt/agent/pty-helper' },
      { from: `seccomp-${architecture}.bpf`, to: '/opt/agent/seccomp.bpf' },
      { from: 'languages', to: '/opt/agent/languages' },
      { from: 'node', to: '/usr/local/bin/node' },
    ],
    entrypoint: ['/opt/agent/node', '/opt/agent/agent.mjs'],
    environment: ENVIRONMENT,
  };
}

/** The architecture of local sandboxes, which is this machine's; the image itself carries both tables. */
function hostArchitecture(): Architecture {
  return process.arch === 'arm64' ? 'arm64' : 'x86_64';
}

/** The binary has 120 MB: a second name for it costs nothing where both are on one file system. */
async function linkOrCopy(from: string, to: string): Promise<void> {
  await link(from, to).catch(() => cp(from, to));
}

/** A sandbox's uid is none of this machine's users, whatever the umask of who builds. */
async function readableByAll(directory: string): Promise<void> {
  await chmod(directory, 0o755);
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  await Promise.all(
    entries.map(async (entry) => {
      const path = join(entry.parentPath, entry.name);
      const executable = ((await stat(path)).mode & 0o100) !== 0;
      await chmod(path, executable ? 0o755 : 0o644);
    }),
  );
}
