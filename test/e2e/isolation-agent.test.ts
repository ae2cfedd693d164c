/** What untrusted code can do to the agent beside it, and to its own rights. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSandbox, target } from '../helpers/api.ts';
import { AGENT_PORT, type Attacker, all, createAttacker } from '../helpers/attacker.ts';

let attacker: Attacker;

beforeAll(async () => {
  attacker = await createAttacker();
});
afterAll(() => attacker?.[Symbol.asyncDispose]());

describe('the agent', () => {
  test('cannot be killed, stopped or slowed, by any kind of signal', async () => {
    const before = await attacker.value('agents()');
    expect(before).toHaveLength(2);
    const ways = {
      kill: 'os.kill(pid, signal.SIGKILL)',
      stop: 'os.kill(pid, signal.SIGSTOP)',
      probe: 'os.kill(pid, 0)',
      'kill by thread': 'system_call(131 if arm else 234, pid, pid, 9)',
      'kill by descriptor': 'signal.pidfd_send_signal(os.pidfd_open(pid), 9)',
      limits: 'resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, 3))',
      affinity: 'os.sched_setaffinity(pid, {0})',
    };
    const attempts = Object.entries(ways).map(([name, code]) => `'${name}': lambda: ${code}`);
    const answers = await attacker.value(
      `[{name: refusal(attempt) for name, attempt in {${attempts.join(', ')}}.items()} for pid in agents()]`,
    );
    expect(answers).toEqual(before.map(() => all(Object.keys(ways), 'EPERM')));
    expect(
      await attacker.value(
        `[refusal(open, f'/proc/{pid}/{name}', 'w') for pid in agents() for name in ['oom_score_adj', 'comm', 'mem', 'clear_refs']]`,
      ),
    ).toEqual(Array.from({ length: 8 }, () => 'EACCES'));
    expect(await attacker.value('agents()')).toEqual(before);
  });

  test('outlives code that kills all that it can, and answers the next run', async () => {
    await using victim = await createSandbox();
    const agents = `print([pid for pid in __import__('os').listdir('/proc') if pid.isdigit() and __import__('os').stat('/proc/' + pid).st_uid == 0])`;
    const before = await victim.run(agents);
    const killed = await victim.run('import os\nos.kill(-1, 9)\nos.kill(os.getpid(), 9)');
    expect(killed.outcome).not.toBe('ok');
    expect(await victim.run(agents)).toMatchObject({ outcome: 'ok', stdout: before.stdout });
  });

  test('cannot be traced, and its memory, environment and descriptors not be read', async () => {
    const names = 'environ mem maps smaps auxv stack syscall io personality pagemap'.split(' ');
    const links = ['cwd', 'root', 'exe', 'ns/net', 'ns/user'];
    const folders = ['fd', 'map_files', 'root/run', 'cwd/run'];
    const answers = await attacker.value(`[
      [[refusal(open, f'/proc/{pid}/{name}', 'rb') if name not in ('maps', 'smaps') else refusal(text_of, f'/proc/{pid}/{name}') for name in ${JSON.stringify(names)}],
       [refusal(os.readlink, f'/proc/{pid}/{name}') for name in ${JSON.stringify(links)}],
       [refusal(os.listdir, f'/proc/{pid}/{name}') for name in ${JSON.stringify(folders)}]]
      for pid in agents()]`);
    expect(answers).toEqual(
      [1, 2].map(() => [names, links, folders].map((list) => list.map(() => 'EACCES'))),
    );
    // Refused by the filter, before it is asked whose process it is: also for itself.
    expect(
      await attacker.refusals(`
        'attach': lambda: call('ptrace', 16, agents()[1], None, None),
        'seize': lambda: call('ptrace', 0x4206, agents()[1], None, None),
        'trace me': lambda: call('ptrace', 0, 0, None, None),
        'read': lambda: call('process_vm_readv', os.getpid(), None, 0, None, 0, 0),
        'write': lambda: call('process_vm_writev', os.getpid(), None, 0, None, 0, 0),
        'take a descriptor': lambda: system_call(438, os.pidfd_open(os.getpid()), 0, 0),
        'compare': lambda: system_call(272 if arm else 312, os.getpid(), os.getpid(), 0, 0, 0),
      `),
    ).toEqual(
      all(
        'attach seize read write compare'.split(' ').concat('trace me', 'take a descriptor'),
        'EPERM',
      ),
    );
  });

  test('keeps its files, spool, socket and metadata to itself', async () => {
    const attempts = await attacker.refusals(`
      'bundle': lambda: open('/opt/agent/agent.mjs'),
      'socket folder': lambda: os.listdir('/run/agent'),
      'socket': lambda: socket.socket(socket.AF_UNIX).connect('/run/agent/agent.sock'),
      'metadata': lambda: open('/run/agent/metadata.json'),
      'state': lambda: os.listdir('/var/lib/agent'),
      'spool': lambda: os.listdir('/var/lib/agent/spool'),
      'through its root': lambda: open(os.path.join('/proc', str(agents()[1]), 'root', 'run/agent/metadata.json')),
      'by a link': lambda: (os.symlink('/var/lib/agent/spool', '/tmp/link'), os.listdir('/tmp/link')),
    `);
    expect(attempts).toEqual(all(Object.keys(attempts), 'EACCES'));
    expect(
      await attacker.refusals(`
        'open its folder': lambda: os.chmod('/run/agent', 0o777),
        'take its folder': lambda: os.chown('/var/lib/agent', 1000, 1000),
        'handle': lambda: call('name_to_handle_at', -100, b'/home/user', None, None, 0),
      `),
    ).toEqual(all(['open its folder', 'take its folder', 'handle'], 'EPERM'));
  });

  test('cannot be changed: nothing is writable but the places for data', async () => {
    const paths = [
      'agent.mjs',
      'launcher',
      'node',
      'seccomp.bpf',
      'languages/python/manifest.json',
    ];
    const answers = await attacker.value(
      `[refusal(open, '/opt/agent/' + path, 'r+b') for path in ${JSON.stringify(paths)}]`,
    );
    for (const refusal of answers) expect(['EACCES', 'EROFS', 'ENOENT']).toContain(refusal);
    const replaced = await attacker.refusals(`
      'remove': lambda: os.unlink('/opt/agent/launcher'),
      'rename': lambda: os.rename('/opt/agent', '/opt/other'),
      'add': lambda: open('/opt/agent/languages/python/sitecustomize.py', 'w'),
      'program': lambda: open('/usr/bin/python3', 'r+b'),
      'account': lambda: open('/etc/passwd', 'a'),
      'loader': lambda: open('/etc/ld.so.preload', 'w'),
    `);
    for (const refusal of Object.values(replaced)) expect(['EACCES', 'EROFS']).toContain(refusal);
    const writable = await attacker.value(`sorted(folder for folder, names, _ in os.walk('/')
      if (folder.count('/') < 4 or names.clear()) and not folder.startswith(('/proc', '/home/user/')) and os.access(folder, os.W_OK))`);
    expect(writable).toEqual(['/dev/shm', '/home/user', '/tmp', '/var/tmp']);
    expect(
      await attacker
        .refusals(`
        'core pattern': lambda: open('/proc/sys/kernel/core_pattern', 'w'),
        'host name': lambda: open('/proc/sys/kernel/hostname', 'w'),
        'sysrq': lambda: open('/proc/sysrq-trigger', 'w'),
      `)
        .then((answers) =>
          Object.values(answers).every((one) => /^(EACCES|EROFS|ENOENT|EPERM)$/.test(one)),
        ),
    ).toBe(true);
  });

  test('answers nobody without the token, on any of its routes', async () => {
    const routes = [
      ['POST', '/executions'],
      ['GET', '/executions/ex00000000000000000000/events?after=0&epoch=9'],
      ['POST', '/executions/ex00000000000000000000/interrupt'],
      ['DELETE', '/executions/ex00000000000000000000/spool'],
      ['PUT', '/deadline'],
      ['POST', '/drain'],
      ['GET', '/logs'],
      ['GET', '/metrics'],
      ['GET', '/no-such-route'],
    ];
    const headers = [
      '{}',
      `{'Authorization': 'Bearer ${'0'.repeat(64)}'}`,
      `{'Authorization': 'Bearer '}`,
      `{'X-API-Key': ${JSON.stringify(target.apiKey)}}`,
    ];
    const statuses = await attacker.value(
      `sorted({ask('127.0.0.1', method, path, '{}', headers)[0] for method, path in ${JSON.stringify(routes)} for headers in [${headers.join(', ')}]})`,
    );
    expect(statuses).toEqual([401]);
    const [status] = await attacker.value(
      `ask('127.0.0.1', 'POST', '/init', json.dumps(dict(sandboxId='${attacker.id}', tokenSha256='${'0'.repeat(64)}', accessTokenSha256='${'0'.repeat(64)}', env={}, expiresAt='2099-01-01T00:00:00.000Z')))`,
    );
    expect(status).toBe(409);
  });

  test('keeps its port', async () => {
    await attacker.print(`
def bind(host, *options):
    with socket.socket() as s:
        for option in options: s.setsockopt(socket.SOL_SOCKET, option, 1)
        s.bind((host, ${AGENT_PORT}))
        s.listen()`);
    const both = 'socket.SO_REUSEADDR, socket.SO_REUSEPORT';
    expect(
      await attacker.refusals(`
        'all': lambda: bind('0.0.0.0', ${both}),
        'loopback': lambda: bind('127.0.0.1', ${both}),
        'its address': lambda: bind('127.64.0.1', ${both}),
        'plain': lambda: bind('127.0.0.1'),
      `),
    ).toEqual(all(['all', 'loopback', 'its address', 'plain'], 'EADDRINUSE'));
  });
});

describe('more rights', () => {
  test('come from no program: su and its like give none, sudo is not there', async () => {
    const programs = await attacker.value(
      `subprocess.run(['find', '/', '-path', '/proc', '-prune', '-o', '-perm', '/6000', '-type', 'f', '-print'], capture_output=True, text=True).stdout.split()`,
    );
    // An image has none; this machine's own are there, on a mount that ignores the bit.
    const effective = await attacker.value(
      `[path for path in ${JSON.stringify(programs)} if not os.statvfs(path).f_flag & os.ST_NOSUID]`,
    );
    expect(effective).toEqual([]);
    expect(
      await attacker.value(
        `[line for line in text_of('/proc/self/mounts').splitlines() if 'nosuid' not in line.split()[3].split(',')]`,
      ),
    ).toEqual([]);
    const tried =
      await attacker.value(`[subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL).stdout.decode()
      for command in [['su', '-c', 'id -u'], ['sudo', '-n', 'id', '-u'], ['newgrp', 'root'], ['setpriv', '--reuid', '0', 'id', '-u']]
      if __import__('shutil').which(command[0])]`);
    expect(tried.join('')).toBe('');
  });

  test('come from no system call', async () => {
    const names = {
      'set uid': 'os.setuid(0)',
      'set all uids': 'os.setresuid(0, 0, 0)',
      'set gid': 'os.setgid(0)',
      'set groups': 'os.setgroups([0])',
      'change owner': `(open('/tmp/mine', 'w').close(), os.chown('/tmp/mine', 0, 0))`,
      'raise a limit': `call('setrlimit', resource.RLIMIT_NPROC, (ctypes.c_ulong * 2)(100_000, 100_000))`,
      'user namespace': `call('unshare', 0x10000000)`,
      'mount namespace': `call('unshare', 0x00020000)`,
      'namespace by clone': `system_call(220 if arm else 56, 0x10000000 | 17, None, None, None, None)`,
      'enter a namespace': `call('setns', os.open('/proc/self/ns/net', os.O_RDONLY), 0)`,
      mount: `call('mount', b'none', b'/tmp', b'tmpfs', 0, None)`,
      'new mount API': `system_call(430, b'tmpfs', 0)`,
      unmount: `call('umount2', b'/tmp', 2)`,
      'change root': `os.chroot('/tmp')`,
      bpf: `system_call(280 if arm else 321, 5, None, 0)`,
      'key ring': `system_call(219 if arm else 250, 0, -3, 0)`,
      'add a key': `system_call(217 if arm else 248, b'user', b'x', b'y', 1, -3)`,
      io_uring: `system_call(425, 8, None)`,
      'page faults': `system_call(282 if arm else 323, 1)`,
      'performance events': `system_call(241 if arm else 298, None, 0, -1, -1, 0)`,
      'kernel log': `system_call(116 if arm else 103, 10, None, 0)`,
      'kernel module': `system_call(273 if arm else 313, 0, b'', 0)`,
      'shared memory that outlives us': `call('shmget', 0x5eed, 4096, 0o1666)`,
      'messages that outlive us': `call('msgget', 0x5eed, 0o1666)`,
      'semaphores that outlive us': `call('semget', 0x5eed, 1, 0o1666)`,
      reboot: `system_call(142 if arm else 169, 0, 0, 0, None)`,
      'set the clock': `system_call(112 if arm else 227, 0, None)`,
    };
    const attempts = Object.entries(names).map(([name, code]) => `'${name}': lambda: ${code}`);
    expect(await attacker.refusals(attempts.join(',\n'))).toEqual(all(Object.keys(names), 'EPERM'));
    // Its flags are behind a pointer, where no filter sees them: it is said not to exist.
    expect(await attacker.value(`refusal(system_call, 435, None, 0)`)).toBe('ENOSYS');
  });

  test('come from no device', async () => {
    const devices = await attacker.value(`sorted(name for name in os.listdir('/dev'))`);
    expect(devices).toEqual(
      'core fd full null ptmx pts random shm stderr stdin stdout tty urandom zero'.split(' '),
    );
    expect(
      await attacker.value(
        `refusal(os.mknod, '/tmp/disk', stat.S_IFBLK | 0o600, os.makedev(254, 0))`,
      ),
    ).toBe('EPERM');
  });
});

test('what /proc tells of this machine is a known list, without a secret', async () => {
  const mounts: string[] = await attacker.value(
    `sorted({line.split()[3] for line in text_of('/proc/self/mountinfo').splitlines()})`,
  );
  // Names of folders are told, and nothing in them: this machine's own, of programs; ours, by what they hold.
  const known = [
    // The machine's root may itself be a folder of its disk.
    /^\/([\w/.-]+\/)?(newroot|usr|null|zero|full|random|urandom|tty)?$/,
    /^\/([\w/.-]+\/)?etc\/[\w/.-]+$/,
    /^\/bindfile\w+\/\/deleted$/,
    /\/code-interpreter\/[\w-]+\/(etc|image-\d+\/[\w./-]+|[0-9a-f]{32}\/(agent|state))$/,
    /\/[0-9a-f]{64}\/root$/,
    /\/cdk\.out\/asset\.[0-9a-f]{64}\/[\w./-]+$/,
  ];
  expect(mounts.filter((path) => !known.some((pattern) => pattern.test(path)))).toEqual([]);
  const commands = await attacker.value(
    `sorted(text_of(f'/proc/{pid}/cmdline').replace(chr(0), ' ').strip() for pid in agents())`,
  );
  expect(commands).toEqual([
    '/opt/agent/node /opt/agent/agent.mjs',
    '/usr/bin/bwrap --info-fd 3 --userns-block-fd 4 --args 5 -- /opt/agent/node /opt/agent/agent.mjs',
  ]);
  expect(await attacker.value('socket.gethostname()')).toBe('sandbox');
  // The image has the accounts of any Debian, all below 100; nobody of this machine.
  const accounts = await attacker.value(
    `sorted(name for name, _, uid, *_ in (line.split(':') for line in text_of('/etc/passwd').splitlines()) if int(uid) >= 100 and name != '_apt')`,
  );
  expect(accounts).toEqual(['nobody', 'user']);
});
