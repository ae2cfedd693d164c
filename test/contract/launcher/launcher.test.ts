/** The real launcher, compiled and started as root; what a program finds when it has been started by it. */

import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileLauncher } from '../../../containers/launcher/compile.ts';
import { writeSeccompTables } from '../../../containers/launcher/seccomp.ts';
import { HOST_ARCHITECTURE } from '../../../local/shared/architecture.ts';

const directory = mkdtempSync(join(tmpdir(), 'launcher-'));
chmodSync(directory, 0o755);
const closed = join(directory, 'closed');
mkdirSync(closed, { mode: 0o700 });
const seccomp = join(directory, `seccomp-${HOST_ARCHITECTURE}.bpf`);
const compiled = await compileLauncher(directory);
const isRoot = process.getuid?.() === 0;
const UID = 61_000 + (process.pid % 1000);

const limits = ['--uid', `${UID}`, '--gid', `${UID}`, '--nproc', '40', '--data', '0'];
const rights = [...limits, '--fsize', '1048576', '--nofile', '64', '--seccomp', seccomp];

function launch(args: readonly string[]): SpawnSyncReturns<string> {
  return spawnSync(compiled ?? '', args, { encoding: 'utf8', env: { PATH: '/usr/bin:/bin' } });
}

const python = (code: string, ...extra: string[]): SpawnSyncReturns<string> =>
  launch([...rights, ...extra, '--', '/usr/bin/python3', '-I', '-c', code]);

beforeAll(async () => {
  await writeSeccompTables(directory);
});
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

describe.skipIf(compiled === undefined)('arguments', () => {
  it.each([
    [[], '--uid: missing'],
    [['--uid', '0'], '--uid: "0" is not a whole number from 1 to 65532'],
    [['--uid', '-1'], '--uid: "-1" is not'],
    [['--uid', '1e3'], '--uid: "1e3" is not'],
    [['--uid', '99999999999999999999'], '--uid: "99999999999999999999" is not'],
    [['--uid'], '--uid: a value is missing'],
    [['--speed', '1'], '--speed: unknown argument'],
    [limits, '--fsize: missing'],
    [[...limits, '--fsize', '0', '--nofile', '0', '--', 'true'], '--seccomp: missing'],
    [rights, '--: a command must follow'],
    [[...rights, '--'], '--: a command must follow'],
    [['--kill-all'], '--uid: missing'],
  ])('refuses %j and names the argument', (args, message) => {
    const result = launch(args);
    expect(result.status).toBe(125);
    expect(result.stderr).toContain(message);
  });
});

describe.skipIf(compiled === undefined || !isRoot)('a program it has started', () => {
  it('has no rights, no groups, no way to new ones, and a filter', () => {
    const status = python('print(open("/proc/self/status").read())').stdout;
    for (const set of ['Inh', 'Prm', 'Eff', 'Bnd', 'Amb']) {
      expect(status).toMatch(new RegExp(`Cap${set}:\\s+0{16}`));
    }
    expect(status).toMatch(new RegExp(`Uid:(\\s+${UID}){4}`));
    expect(status).toMatch(new RegExp(`Gid:(\\s+${UID}){4}`));
    expect(status).toMatch(/Groups:\s*\n/);
    expect(status).toMatch(/NoNewPrivs:\s+1/);
    expect(status).toMatch(/Seccomp:\s+2/);
  });

  it('cannot become root again, trace, unshare, mount or open odd sockets', () => {
    const result = python(`
import ctypes, os, socket
libc = ctypes.CDLL(None, use_errno=True)
def attempt(name, *args):
    print(name, getattr(libc, name)(*args), ctypes.get_errno())
attempt('setuid', 0)
attempt('ptrace', 16, os.getppid(), 0, 0)
attempt('unshare', 0x10000000)
attempt('mount', b'none', b'/tmp', b'tmpfs', 0, 0)
attempt('chroot', b'/tmp')
for family in (40, 38, 17):
    try: socket.socket(family, socket.SOCK_DGRAM); print('opened', family)
    except OSError as error: print(family, error.errno)
`);
    expect(result.stdout.trim().split('\n')).toEqual([
      'setuid -1 1',
      'ptrace -1 1',
      'unshare -1 1',
      'mount -1 1',
      'chroot -1 1',
      '40 1',
      '38 1',
      '17 1',
    ]);
  });

  it('holds descriptors 0 to 3 and nothing else', async () => {
    const extra = openSync('/dev/null', 'r');
    const child = spawn(compiled!, [...rights, '--', '/bin/ls', '/proc/self/fd'], {
      stdio: ['ignore', 'pipe', 'inherit', 'pipe', extra, extra, 'pipe'],
    });
    let output = '';
    child.stdout!.on('data', (data) => {
      output += String(data);
    });
    await once(child, 'close');
    // The last is the folder that ls itself has opened.
    expect(output.trim().split('\n')).toEqual(['0', '1', '2', '3', '4']);
  });

  it('has the limits that were given, no core files, and those of the host for 0', () => {
    const result = python(`
import resource as r
print([r.getrlimit(x) for x in (r.RLIMIT_NPROC, r.RLIMIT_FSIZE, r.RLIMIT_NOFILE, r.RLIMIT_CORE)])
print(r.getrlimit(r.RLIMIT_DATA))`);
    const [given, data] = result.stdout.trim().split('\n');
    expect(given).toBe('[(40, 40), (1048576, 1048576), (64, 64), (0, 0)]');
    expect(data).toBe('(-1, -1)');
  });

  it('gets the lower of the limit asked for and the host’s own', () => {
    const huge = String(2 ** 52);
    const args = [...limits, '--fsize', '0', '--nofile', huge, '--seccomp', seccomp];
    const code = 'import resource as r; print(r.getrlimit(r.RLIMIT_NOFILE)[1])';
    const result = launch([...args, '--', '/usr/bin/python3', '-I', '-c', code]);
    expect(result.status).toBe(0);
    expect(Number(result.stdout)).toBeGreaterThan(64);
  });

  it('starts with no signal blocked or ignored, umask 022, in its folder', () => {
    const code = `
import os, signal
print(os.umask(0), os.getcwd(), [l.split()[1] for l in open('/proc/self/status') if l.startswith(('SigBlk'))])`;
    expect(python(code, '--cwd', '/usr').stdout.trim()).toBe("18 /usr ['0000000000000000']");
    const grep = ['/bin/grep', '-E', 'SigIgn', '/proc/self/status'];
    expect(launch([...rights, '--', ...grep]).stdout).toMatch(/SigIgn:\s+0{16}/);
  });

  it('answers with the exit code of the program', () => {
    expect(launch([...rights, '--', '/bin/sh', '-c', 'exit 7']).status).toBe(7);
  });
});

describe.skipIf(compiled === undefined || !isRoot)('a step that fails', () => {
  it.each([
    ['a folder that is not there', ['--cwd', '/nowhere'], 126, 'cwd /nowhere: No such file'],
    ['a folder the user may not enter', ['--cwd', closed], 126, 'Permission denied'],
    ['a filter that is not there', ['--seccomp', '/nowhere'], 126, 'seccomp file /nowhere'],
  ])('stops at %s', (_, extra, status, message) => {
    const result = launch([...rights, ...extra, '--', '/bin/echo', 'started']);
    expect(result.status).toBe(status);
    expect(result.stderr).toContain(message);
    expect(result.stdout).toBe('');
  });

  it.each([
    ['empty', Buffer.alloc(0)],
    ['cut short', Buffer.alloc(13)],
    ['not a filter', Buffer.alloc(16, 0xff)],
  ])('stops at a filter that is %s', (name, bytes) => {
    const path = join(directory, `bad-${name.replaceAll(' ', '-')}`);
    writeFileSync(path, bytes);
    const result = launch([...rights, '--seccomp', path, '--', '/bin/echo', 'started']);
    expect(result.status).toBe(126);
    expect(result.stderr).toMatch(/seccomp/);
    expect(result.stdout).toBe('');
  });

  it('says which program could not be started', () => {
    const result = launch([...rights, '--', '/usr/bin/no-such-program']);
    expect(result.status).toBe(127);
    expect(result.stderr).toContain('/usr/bin/no-such-program: No such file or directory');
  });

  it('stops when it is not root', () => {
    const result = spawnSync(compiled!, [...rights, '--', '/bin/echo', 'started'], {
      encoding: 'utf8',
      uid: UID,
      gid: UID,
    });
    expect([result.status, result.stdout]).toEqual([126, '']);
    expect(result.stderr).toContain('capability bounding set: Operation not permitted');
  });
});

describe.skipIf(compiled === undefined || !isRoot)('--kill-all', () => {
  it('ends every process of the uid, also one that left its session and ignores signals', async () => {
    const code = `
import os, signal, time
for s in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT): signal.signal(s, signal.SIG_IGN)
for _ in range(3):
    if os.fork() == 0: os.setsid()
print(os.getpid(), flush=True)
time.sleep(600)`;
    const child = spawn(compiled!, [...rights, '--', '/usr/bin/python3', '-I', '-u', '-c', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const bystander = spawn('/bin/sleep', ['600'], { uid: UID + 1000, gid: UID + 1000 });
    await once(child.stdout, 'data');
    const killed = launch(['--kill-all', '--uid', String(UID)]);
    expect([killed.status, killed.stderr]).toEqual([0, '']);
    // The pipe closes when the last holder of its other end is gone.
    await once(child, 'close');
    expect(child.signalCode).toBe('SIGKILL');
    expect(bystander.exitCode).toBeNull();
    expect(readFileSync(`/proc/${bystander.pid}/stat`, 'utf8')).toContain('sleep');
    bystander.kill('SIGKILL');
  });

  it('is content with nothing to end', () => {
    expect(launch(['--kill-all', '--uid', '60999']).status).toBe(0);
  });
});

it.skipIf(compiled === undefined || !isRoot)(
  'a program dies with whoever launched it',
  async () => {
    const program = ['/bin/sh', '-c', 'echo up; exec sleep 600'];
    const shell = spawn(
      '/bin/sh',
      ['-c', `"$0" "$@" & wait`, compiled!, ...rights, '--', ...program],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    await once(shell.stdout, 'data');
    shell.kill('SIGKILL');
    // The program holds the other end of this pipe: it closes only when the program is gone too.
    await once(shell, 'close');
  },
);
