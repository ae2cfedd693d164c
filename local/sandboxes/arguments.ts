/**
 * The command line of bubblewrap for one task: what is mounted where, which namespaces and rights it has.
 * Goes to bwrap through a descriptor, since everything inside can read the command line of process 1.
 */
import { closeSync, constants, lstatSync, openSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { HostEtc } from './host-etc.ts';
import type { ImageManifest } from './image.ts';

const MIB = 2 ** 20;
const GIB = 2 ** 30;

const CAPABILITIES = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'KILL', 'SETGID', 'SETPCAP', 'SETUID'];
export const AGENT_FOLDER = '/run/agent';
const STATE_FOLDER = '/var/lib/agent';
export const SOCKET_NAME = 'agent.sock';
export const METADATA_NAME = 'metadata.json';

/** Descriptors with a fixed meaning; those of copied files follow. */
export const FD = { info: 3, userns: 4, arguments: 5, firstCopy: 6 } as const;

/** Files whose content bwrap copies in, by descriptors that it inherits. */
export class CopiedFiles implements Disposable {
  readonly fds: number[] = [];

  /** A copy that only root inside can read. */
  add(path: string, to: string): string[] {
    this.fds.push(openSync(path, constants.O_RDONLY));
    const fd = FD.firstCopy + this.fds.length - 1;
    return ['--perms', '0400', '--ro-bind-data', String(fd), to];
  }

  [Symbol.dispose](): void {
    for (const fd of this.fds.splice(0)) closeSync(fd);
  }
}

export interface SandboxLayout {
  readonly image: ImageManifest;
  readonly imageDirectory: string;
  /** The unpacked root of the built image; without one, programs come from this machine's /usr. */
  readonly root: string | undefined;
  readonly etc: HostEtc;
  /** On this machine: mounted for root inside only, for its socket and its spool. */
  readonly agentDirectory: string;
  readonly stateDirectory: string;
  readonly memoryBytes: number;
  readonly diskBytes: number;
  readonly internet: boolean;
  readonly environment: Readonly<Record<string, string>>;
}

export function bwrapArguments(layout: SandboxLayout, copies: CopiedFiles): string[] {
  return [
    words('--unshare-all --unshare-user --unshare-cgroup --hostname sandbox'),
    words('--uid 0 --gid 0 --die-with-parent --new-session --cap-drop ALL'),
    CAPABILITIES.flatMap((name) => ['--cap-add', `CAP_${name}`]),
    layout.root === undefined ? hostFiles(layout, copies) : imageFiles(layout, layout.root, copies),
    ['--bind', layout.agentDirectory, AGENT_FOLDER],
    ['--bind', layout.stateDirectory, STATE_FOLDER],
    // What bwrap makes is writable and as large as half of the memory unless this is said last.
    [layout.root === undefined ? '/usr/local' : '/run', '/dev', '/'].flatMap((path) => [
      '--remount-ro',
      path,
    ]),
    words('--clearenv --chdir /'),
    Object.entries(layout.environment).flatMap(([name, value]) => ['--setenv', name, value]),
  ].flat();
}

/** This machine's programs, an /etc of our own making, and the files of the docker context where the image has them. */
function hostFiles(layout: SandboxLayout, copies: CopiedFiles): string[] {
  const { etc, image, imageDirectory } = layout;
  return [
    systemFolders(),
    ['--ro-bind', etc.directory, '/etc'],
    etc.hostFolders.flatMap((name) => ['--ro-bind', join('/etc', name), join('/etc', name)]),
    layout.internet ? ['--ro-bind', etc.openResolver, '/etc/resolv.conf'] : [],
    words('--proc /proc --dev /dev'),
    scratchFolders(layout),
    foldersAbove([AGENT_FOLDER, STATE_FOLDER, ...image.binds.map(({ to }) => to)]),
    image.binds.flatMap(({ from, to, rootOnly }) => {
      const path = join(imageDirectory, from);
      return rootOnly ? copies.add(path, to) : ['--ro-bind', path, to];
    }),
  ].flat();
}

/** The image as it was built, with the few files that a container runtime puts into any of them. */
function imageFiles(layout: SandboxLayout, root: string, copies: CopiedFiles): string[] {
  const { etc, image, internet } = layout;
  const own = (name: string): string => join(etc.directory, name);
  return [
    ['--ro-bind', root, '/'],
    ['hosts', 'hostname'].flatMap((name) => ['--ro-bind', own(name), `/etc/${name}`]),
    ['--ro-bind', internet ? etc.openResolver : own('resolv.conf'), '/etc/resolv.conf'],
    words('--proc /proc --dev /dev --perms 0755 --tmpfs /run'),
    scratchFolders(layout),
    foldersAbove([AGENT_FOLDER]),
    // Root of this machine owns them and is nobody inside, so root inside gets copies.
    image.binds.flatMap(({ to, rootOnly }) => (rootOnly ? copies.add(join(root, to), to) : [])),
  ].flat();
}

/** Programs come from this machine's /usr, without what its administrator has put into /usr/local. */
function systemFolders(): string[] {
  const roots = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'];
  return [
    ...words('--ro-bind /usr /usr --tmpfs /usr/local'),
    ...roots.flatMap((name) => {
      const path = `/${name}`;
      const facts = lstatSync(path, { throwIfNoEntry: false });
      if (facts === undefined) return [];
      return facts.isSymbolicLink()
        ? ['--symlink', readlinkSync(path), path]
        : ['--ro-bind', path, path];
    }),
  ];
}

/** They live in memory and count against it, so that they never get all of it together. */
function scratchFolders({ memoryBytes, diskBytes }: SandboxLayout): string[] {
  const share = (part: number, most: number): string =>
    String(Math.floor(Math.min(memoryBytes * part, most)));
  const tmpfs = (size: string, mode: string, path: string): string[] =>
    words(`--size ${size} --perms ${mode} --tmpfs ${path}`);
  return [
    ...tmpfs(share(1 / 2, diskBytes), '0777', '/home/user'),
    ...tmpfs(share(1 / 4, Math.min(diskBytes, 4 * GIB)), '1777', '/tmp'),
    ...tmpfs(share(1 / 16, 64 * MIB), '1777', '/var/tmp'),
    ...tmpfs(share(1 / 8, 64 * MIB), '1777', '/dev/shm'),
  ];
}

/** Left to itself bwrap makes the folders above a private file as private as the file. */
function foldersAbove(paths: readonly string[]): string[] {
  const folders = new Set<string>();
  for (const path of paths) {
    const parts = path.split('/').slice(1, -1);
    parts.forEach((_, index) => folders.add(`/${parts.slice(0, index + 1).join('/')}`));
  }
  return [...folders].sort().flatMap((folder) => words(`--perms 0755 --dir ${folder}`));
}

function words(text: string): string[] {
  return text.split(' ');
}
