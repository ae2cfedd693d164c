/**
 * The /etc of every sandbox: accounts and names of our own making, and of this machine's only what
 * programs under /usr cannot run without. Must never show an account, host name or secret of this machine.
 */
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const OWN_FILES: Readonly<Record<string, string>> = {
  passwd:
    'root:x:0:0:root:/:/usr/sbin/nologin\nuser:x:1000:1000:user:/home/user:/bin/bash\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n',
  group: 'root:x:0:\nuser:x:1000:\nnogroup:x:65534:\n',
  hosts: '127.0.0.1 localhost sandbox\n::1 localhost\n',
  hostname: 'sandbox\n',
  'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\nservices: files\n',
  'resolv.conf': '',
};

const HOST_FILES = [
  'ld.so.cache',
  'matplotlibrc',
  'mime.types',
  'protocols',
  'services',
  'ssl/openssl.cnf',
] as const;

/** Folders of links and settings that belong to programs under /usr. */
const HOST_FOLDERS = ['alternatives', 'fonts', 'ssl/certs'] as const;

export interface HostEtc {
  readonly directory: string;
  /** Folders of this machine's /etc that must be mounted over empty ones of `directory`. */
  readonly hostFolders: readonly string[];
  /** To be mounted over /etc/resolv.conf where a task has a network. */
  readonly openResolver: string;
}

/** `nameserver` is where a task that has a network asks for names. */
export async function makeHostEtc(directory: string, nameserver: string): Promise<HostEtc> {
  const etc = join(directory, 'etc');
  const hostFolders = HOST_FOLDERS.filter((name) => existsSync(join('/etc', name)));
  const hostFiles = HOST_FILES.filter((name) => existsSync(join('/etc', name)));
  for (const folder of ['', 'ssl', ...hostFolders]) {
    await mkdir(join(etc, folder), { recursive: true, mode: 0o755 });
  }
  const openResolver = join(directory, 'resolv.conf');
  await Promise.all([
    ...Object.entries(OWN_FILES).map(([name, text]) => writeReadable(join(etc, name), text)),
    ...hostFiles.map((name) => copyReadable(join('/etc', name), join(etc, name))),
    symlink('/usr/share/zoneinfo/Etc/UTC', join(etc, 'localtime')),
    symlink('/proc/self/mounts', join(etc, 'mtab')),
    writeReadable(openResolver, `nameserver ${nameserver}\n`),
  ]);
  return { directory: etc, hostFolders, openResolver };
}

async function writeReadable(path: string, text: string): Promise<void> {
  await writeFile(path, text);
  await chmod(path, 0o644);
}

async function copyReadable(from: string, to: string): Promise<void> {
  await copyFile(from, to);
  await chmod(to, 0o644);
}
