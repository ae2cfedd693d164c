/**
 * The network of a task that may reach the internet: slirp4netns, a network stack in user space.
 * Must never let a task reach this machine, its neighbours or a cloud's metadata service.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Where slirp4netns answers for names. */
export const NAMESERVER = '10.0.2.3';

/** Networks that are not the internet. 10.0.2.0/24, slirp's own, stays: its route is narrower. */
const PRIVATE_NETWORKS = [
  '10.0.0.0/8',
  '100.64.0.0/10',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '224.0.0.0/3',
];

export class TaskNetwork implements AsyncDisposable {
  readonly #slirp: ChildProcess;

  private constructor(slirp: ChildProcess) {
    this.#slirp = slirp;
  }

  static async open(pid: number): Promise<TaskNetwork> {
    await loopbackIsUp(pid);
    const options = ['--configure', '--mtu=65520', '--disable-host-loopback'];
    const safety = ['--enable-sandbox', '--enable-seccomp', '--ready-fd', '3', '--exit-fd', '4'];
    // Descriptor 4 closes when we die, and slirp4netns goes with it.
    const slirp = spawn('/usr/bin/slirp4netns', [...options, ...safety, String(pid), 'tap0'], {
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
      cwd: '/',
    });
    const network = new TaskNetwork(slirp);
    try {
      await ready(slirp);
      await closePrivateNetworks(pid);
      return network;
    } catch (error) {
      await network[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#slirp.exitCode !== null || this.#slirp.signalCode !== null) return;
    const exit = once(this.#slirp, 'exit');
    this.#slirp.kill('SIGKILL');
    await exit;
  }
}

/** bwrap brings it up itself and fails when slirp4netns is quicker. */
async function loopbackIsUp(pid: number): Promise<void> {
  while (!(await readFile(`/proc/${pid}/net/fib_trie`, 'utf8')).includes('127.0.0.1')) {
    await sleep(1);
  }
}

async function ready(slirp: ChildProcess): Promise<void> {
  let complaint = '';
  slirp.stderr?.on('data', (chunk) => {
    complaint = `${complaint}${chunk}`.slice(-2000);
  });
  const signal = slirp.stdio[3] as Readable;
  const failed = Promise.race([once(slirp, 'exit'), once(slirp, 'error')]).then(([reason]) => {
    throw new Error(`slirp4netns did not start (${reason}): ${complaint.trim()}`);
  });
  await Promise.race([once(signal, 'data'), failed]);
  // It has started; a later end takes the task's network away and needs no answer here.
  failed.catch(() => undefined);
}

async function closePrivateNetworks(pid: number): Promise<void> {
  const inside = ['--user', '--net', '--target', String(pid)];
  const own = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => `${address}/32`);
  const lines = [...PRIVATE_NETWORKS, ...own].map(
    (network) => `route replace blackhole ${network}`,
  );
  const done = run('nsenter', [...inside, 'ip', '-batch', '-']);
  done.child.stdin?.end(`${lines.join('\n')}\n`);
  await done;
}
