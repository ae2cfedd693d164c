/** What code finds inside a real sandbox, and what it cannot reach from there. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTaskDriver } from '../../../local/sandboxes/create.ts';
import type { RunningTask, TaskDriver } from '../../../local/sandboxes/driver.ts';
import { ask, asUser, makePlace, type TestPlace } from './image.ts';
import { canIsolate } from './requirement.ts';

let place: TestPlace;
let driver: TaskDriver;
let task: RunningTask;
let other: RunningTask;
const inside = (code: string): Promise<string> => ask(task.address, code);
const lines = async (code: string): Promise<string[]> => (await inside(code)).split('\n');

beforeAll(async () => {
  if (!canIsolate) return;
  place = makePlace();
  driver = await createTaskDriver({ isolation: 'auto', runDirectory: place.runDirectory });
  const environment = { FROM_BOTH: 'task', SECRET: 'of-the-agent' };
  [task, other] = await Promise.all([
    driver.start(place.spec({ environment })),
    driver.start(place.spec()),
  ]);
});
afterAll(async () => {
  await driver?.close();
  place?.[Symbol.dispose]();
});

describe.skipIf(!canIsolate)('inside a sandbox', () => {
  it('the agent is root with seven capabilities and no way to more', async () => {
    const status = await inside('print(open("/proc/self/status").read())');
    for (const set of ['Inh', 'Prm', 'Eff', 'Bnd', 'Amb']) {
      expect(status).toMatch(new RegExp(`Cap${set}:\\s+00000000000001eb\\n`));
    }
    expect(status).toMatch(/Uid:(\s+0){4}/);
    expect(status).toMatch(/NoNewPrivs:\s+1/);
  });

  it('the environment is that of image, task and driver, the task’s winning', async () => {
    const text = await inside('print(open("/proc/2/environ").read().replace("\\0", "\\n"))');
    expect(new Set(text.split('\n').map((line) => line.split('=')[0]))).toEqual(
      new Set(
        'PATH FROM_IMAGE FROM_BOTH SECRET AGENT_SOCKET ECS_CONTAINER_METADATA_FILE PWD'.split(' '),
      ),
    );
    expect(text).toContain('FROM_BOTH=task');
  });

  it('the task’s ARN is in the metadata file', async () => {
    const code = 'import json, os; print(json.load(open(os.environ["F"]))["TaskARN"])';
    const text = await inside(code.replace('os.environ["F"]', '"/run/agent/metadata.json"'));
    expect(text).toBe('arn:aws:ecs:local:000000000000:task/test');
  });

  it('there is no network but its own loopback, and no name is resolved', async () => {
    expect(
      await inside(
        'import os; print(os.listdir("/sys/class/net") if os.path.exists("/sys/class/net") else [l.split(":")[0].strip() for l in open("/proc/net/dev").readlines()[2:]])',
      ),
    ).toBe("['lo']");
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    const own = Object.values(networkInterfaces()).flat();
    const targets = [
      ['127.0.0.1', port],
      ['169.254.169.254', 80],
      [other.address, 49983],
      [task.address, 49983],
      ...own.filter((a) => a?.family === 'IPv4' && !a.internal).map((a) => [a?.address, port]),
    ];
    const answers = await lines(`
import socket
for host, port in ${JSON.stringify(targets)}:
    try: socket.create_connection((host, port), 2); print('connected', host)
    except OSError: print('no')
try: socket.gethostbyname('example.com'); print('resolved')
except OSError: print('no')`);
    expect(answers).toEqual([...targets, ''].map(() => 'no'));
    server.close();
  });

  it('nothing of this machine is there but programs', async () => {
    const roots = (await inside('import os; print(" ".join(sorted(os.listdir("/"))))')).split(' ');
    const allowed = 'bin dev etc home lib lib32 lib64 libx32 opt proc run sbin tmp usr var'.split(
      ' ',
    );
    expect(roots.filter((name) => !allowed.includes(name))).toEqual([]);
    expect(await inside('import os; print(os.listdir("/home"), os.listdir("/usr/local"))')).toBe(
      "['user'] []",
    );
    const accounts = await lines('print(open("/etc/passwd").read())');
    expect(accounts.map((line) => line.split(':')[0])).toEqual(['root', 'user', 'nobody']);
    for (const path of [place.runDirectory, process.cwd(), '/root', '/etc/shadow', '/etc/ssh']) {
      const known = await inside(`import os; print(os.path.exists(${JSON.stringify(path)}))`);
      expect([path, known]).toEqual([path, 'False']);
    }
  });

  it('the command line of process 1 names no path of this machine and no secret', async () => {
    const text = await inside('print(open("/proc/1/cmdline").read().replace("\\0", " "))');
    expect(text).toMatch(/^\/usr\/bin\/bwrap /);
    expect(text).not.toContain(place.runDirectory);
    expect(text).not.toContain('of-the-agent');
  });

  it('no descriptor of ours is open', async () => {
    const text = await inside(`
import os
for fd in os.listdir('/proc/2/fd'):
    try: print(os.readlink('/proc/2/fd/' + fd).split(':')[0])
    except OSError: pass`);
    const kinds = new Set(text.split('\n'));
    for (const kind of kinds) expect(kind).toMatch(/^(\/dev\/null|socket|.*\/output\.log)$/);
  });

  it('everything is read-only but the places for data', async () => {
    const places =
      '/ /etc /usr /usr/local /dev /opt /run /var /proc/sys /home/user /tmp /var/tmp /dev/shm /run/agent /var/lib/agent';
    const answers = await lines(`
import os
for place in ${JSON.stringify(places.split(' '))}:
    try: open(place + '/probe', 'w').close(); print('writable', place)
    except OSError: pass`);
    expect(answers.map((line) => line.split(' ')[1])).toEqual([
      '/home/user',
      '/tmp',
      '/var/tmp',
      '/dev/shm',
      '/run/agent',
      '/var/lib/agent',
    ]);
  });

  it('a full disk is ENOSPC and ends nothing', async () => {
    const code = `
try:
    with open('/tmp/full', 'wb') as file:
        while True: file.write(bytes(2 ** 20))
except OSError as error: print(error.errno)
import os; os.unlink('/tmp/full')`;
    expect(await inside(code)).toBe('28');
  });

  it('user code reads nothing of the agent', async () => {
    const paths = [
      '/opt/agent/agent.py',
      '/run/agent/metadata.json',
      '/var/lib/agent/probe',
      '/proc/1/environ',
      '/proc/2/environ',
      '/proc/2/mem',
      '/proc/2/maps',
    ];
    const answers = await lines(
      asUser(`
import socket
for path in ${JSON.stringify(paths)}:
    try: open(path).read(1); print('read', path)
    except PermissionError: print('no')
try: socket.socket(socket.AF_UNIX).connect('/run/agent/agent.sock'); print('connected')
except PermissionError: print('no')
for pid in (1, 2):
    try: os.kill(pid, 9); print('killed', pid)
    except PermissionError: print('no')`),
    );
    expect(answers).toEqual([...paths, 'socket', 1, 2].map(() => 'no'));
  });

  it('sees its own processes only', async () => {
    const code = 'import os; print(max(int(p) for p in os.listdir("/proc") if p.isdigit()))';
    expect(Number(await inside(code))).toBeLessThan(1000);
    expect(readdirSync('/proc').filter(Number).length).toBeGreaterThan(5);
  });

  it('runs under uids that no other task and no user of this machine has', async () => {
    const map = async (address: string): Promise<string> =>
      ask(address, 'print(open("/proc/self/uid_map").read())');
    const [mine, others] = await Promise.all([map(task.address), map(other.address)]);
    const base = Number(mine.trim().split(/\s+/)[1]);
    expect(mine).not.toBe(others);
    expect(base).toBeGreaterThanOrEqual(500_000);
    const users = readFileSync('/etc/passwd', 'utf8').split('\n');
    expect(users.some((line) => Math.abs(Number(line.split(':')[2]) - base) < 65_536)).toBe(false);
  });
});

describe.skipIf(!canIsolate)('a folder that only its owner may enter', () => {
  it('does not keep a task from starting, and nothing of it stays', async () => {
    using closed = makePlace(0o700);
    writeFileSync(join(closed.imageDirectory, 'agent.py'), 'print(1)', { mode: 0o600 });
    const own = await createTaskDriver({ isolation: 'auto', runDirectory: closed.runDirectory });
    const started = await own.start(closed.spec());
    expect(await started.exited).toEqual({ exitCode: 0, outOfMemory: false });
    await own.close();
    const left = existsSync('/var/lib/code-interpreter')
      ? readdirSync('/var/lib/code-interpreter').filter((name) =>
          name.startsWith(`${process.pid}-`),
        )
      : [];
    expect([...left, ...readdirSync(closed.runDirectory)]).toEqual([]);
  });
});
