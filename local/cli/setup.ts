/**
 * Makes sure that this machine has the programs that local sandboxes need.
 * Installs on Debian and Ubuntu as root, and only what is missing; must never touch any other machine.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';

const PYTHON_MODULES = '/usr/lib/python3/dist-packages';
const LOCK = '/run/code-interpreter-setup.lock';

/** Packages, and the file that shows each is there: asking dpkg would take longer than all else at start. */
export const REQUIRED: Packages = {
  bubblewrap: ['/usr/bin/bwrap'],
  uidmap: ['/usr/bin/newuidmap'],
  slirp4netns: ['/usr/bin/slirp4netns'],
  iproute2: ['/usr/bin/ip', '/usr/sbin/ip', '/sbin/ip'],
  python3: ['/usr/bin/python3'],
  'python3-ipython': [`${PYTHON_MODULES}/IPython`],
  'python3-numpy': [`${PYTHON_MODULES}/numpy`],
  'python3-pandas': [`${PYTHON_MODULES}/pandas`],
  'python3-matplotlib': [`${PYTHON_MODULES}/matplotlib`],
  gcc: ['/usr/bin/gcc'],
  'libc6-dev': ['/usr/include/stdio.h'],
};

/** And what the suite calls beside: the README's commands are run as they stand. */
export const REQUIRED_BY_TESTS: Packages = { ...REQUIRED, curl: ['/usr/bin/curl'] };

export type Packages = Readonly<Record<string, readonly string[]>>;

export interface Host {
  readonly exists: (path: string) => boolean;
  readonly isRoot: boolean;
  /** Runs a program to its end; rejects, with what it said last, unless it succeeds. */
  readonly run: (command: string, args: readonly string[]) => Promise<void>;
  /** Resolves, once no other set-up runs on this machine, with a function that lets the next one in. */
  readonly lock: () => Promise<() => void>;
}

export interface EnsureHostOptions {
  /** False where the caller was told to install nothing. */
  readonly allow: boolean;
  readonly log: (message: string) => void;
  readonly host?: Host;
  /** @default what sandboxes need */
  readonly packages?: Packages;
}

export function missingPackages(
  exists: Host['exists'] = existsSync,
  packages: Packages = REQUIRED,
): string[] {
  return Object.entries(packages)
    .filter(([, paths]) => !paths.some((path) => exists(path)))
    .map(([name]) => name);
}

export function installCommand(packages: readonly string[]): string {
  return `apt-get update && apt-get install -y --no-install-recommends ${packages.join(' ')}`;
}

/** True when everything is there, also when it had to be installed; false after saying what to do. */
export async function ensureHost(options: EnsureHostOptions): Promise<boolean> {
  const { allow, log, host = thisMachine, packages = REQUIRED } = options;
  const missing = missingPackages(host.exists, packages);
  if (missing.length === 0) return true;
  if (!allow || !host.isRoot || !host.exists('/usr/bin/apt-get')) {
    log(`missing on this machine: ${missing.join(', ')}`);
    log(advice(host, missing));
    return false;
  }
  const unlock = await host.lock();
  try {
    // Another start may have installed everything while this one waited.
    const still = missingPackages(host.exists, packages);
    if (still.length > 0) await install(still, host, log);
  } finally {
    unlock();
  }
  const left = missingPackages(host.exists, packages);
  if (left.length > 0) log(`apt-get succeeded, but these are still missing: ${left.join(', ')}`);
  return left.length === 0;
}

function advice(host: Host, missing: readonly string[]): string {
  if (!host.exists('/usr/bin/apt-get')) {
    return `install what your system calls these (on Debian: ${installCommand(missing)})`;
  }
  return `run: ${host.isRoot ? '' : 'sudo '}sh -c '${installCommand(missing)}'`;
}

async function install(
  packages: readonly string[],
  host: Host,
  log: EnsureHostOptions['log'],
): Promise<void> {
  const began = performance.now();
  log(`installing by apt-get, once on this machine, for about a minute: ${packages.join(', ')}`);
  // Somebody else's apt-get may be at work; what can wait for it, waits.
  const wait = ['-o', 'DPkg::Lock::Timeout=300'];
  try {
    await host.run('apt-get', ['update', ...wait]);
  } catch (error) {
    log(`apt-get update failed, going on with the lists that are there: ${String(error)}`);
  }
  await host.run('apt-get', ['install', '-y', '--no-install-recommends', ...wait, ...packages]);
  log(`installed in ${Math.round((performance.now() - began) / 1000)} s`);
}

const thisMachine: Host = {
  exists: existsSync,
  isRoot: process.getuid?.() === 0,
  async run(command, args) {
    const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: environment });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        said = `${said}${chunk}`.slice(-4000);
      });
    }
    const [code] = await once(child, 'close');
    if (code !== 0) throw new Error(`${command} ${args[0]} exited with ${code}:\n${said.trim()}`);
  },
  async lock() {
    // The lock goes with flock's process, and that goes with its stdin: also when we are killed.
    const holder = spawn('/usr/bin/flock', [LOCK, 'sh', '-c', 'echo locked; cat'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await Promise.race([
      once(holder.stdout, 'data'),
      once(holder, 'exit').then(() => {
        throw new Error(`flock could not lock ${LOCK}`);
      }),
    ]);
    return () => void holder.stdin.end();
  },
};
