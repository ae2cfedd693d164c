/** What untrusted code can reach from inside a sandbox: no credentials, no network, no neighbour. */

import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { target } from '../helpers/api.ts';
import { AGENT_PORT, type Attacker, all, createAttacker } from '../helpers/attacker.ts';
import { type Listener, listenersOf } from '../helpers/host.ts';

let attacker: Attacker;
let other: Attacker;

beforeAll(async () => {
  [attacker, other] = await Promise.all([createAttacker(), createAttacker()]);
});
afterAll(async () => {
  await Promise.all([attacker, other].map((one) => one?.[Symbol.asyncDispose]()));
});

/** Where the stack listens on this machine, sandboxes and all. */
function stackListeners(): Listener[] {
  if (target.pid === undefined) throw new Error('this scenario needs a local stack');
  return listenersOf(target.pid);
}

const isOpen = ({ address, port }: Listener): Promise<boolean> => {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, address)
    .once('connect', () => resolve(true))
    .once('error', () => resolve(false));
  return promise.finally(() => socket.destroy());
};

describe('code in a sandbox', () => {
  test('is an ordinary user without a right, a group or a way to more', async () => {
    const fields = 'Uid Gid Groups CapInh CapPrm CapEff CapBnd CapAmb NoNewPrivs Seccomp'.split(
      ' ',
    );
    const read = `dict(line.split(':\\t', 1) for line in text.splitlines() if line.split(':')[0] in ${JSON.stringify(fields)})`;
    const own = await attacker.value(`[${read} for text in [text_of('/proc/self/status')]][0]`);
    const child = await attacker.value(
      `[${read} for text in [subprocess.run(['cat', '/proc/self/status'], capture_output=True, text=True).stdout]][0]`,
    );
    const none = '0'.repeat(16);
    for (const status of [own, child]) {
      expect(status).toEqual({
        Uid: '1000\t1000\t1000\t1000',
        Gid: '1000\t1000\t1000\t1000',
        Groups: ' ',
        CapInh: none,
        CapPrm: none,
        CapEff: none,
        CapBnd: none,
        CapAmb: none,
        NoNewPrivs: '1',
        Seccomp: '2',
      });
    }
  });

  test('finds no credentials: not in its environment, in a file, or in another process', async () => {
    expect(await attacker.value('sorted(os.environ)')).toEqual(
      'HOME LANG MPLBACKEND PATH PYTHONUNBUFFERED USER'.split(' '),
    );
    const places = ['/root', '/home/user/.aws', '/var/run/secrets', '/run/secrets', '/etc/shadow'];
    expect(
      await attacker.value(
        `[path for path in ${JSON.stringify(places)} if os.access(path, os.R_OK)]`,
      ),
    ).toEqual([]);
    // Every file outside /usr that it can read, and of every process what it can read.
    const found = await attacker.value(`(lambda secret: [path for path in [
      *(os.path.join(folder, name) for top in ['/etc', '/home', '/opt', '/run', '/tmp', '/var', '/dev/shm']
        for folder, _, names in os.walk(top) for name in names if name != 'node'),
      *(f'/proc/{pid}/{name}' for pid in pids() for name in ['environ', 'cmdline', 'mountinfo', 'cgroup'])]
      if os.path.isfile(path) and not os.path.islink(path) and os.access(path, os.R_OK) and secret.search(text_of(path))])(
      re.compile(${JSON.stringify(secretPattern())}))`);
    expect(found).toEqual([]);
  });

  test('reaches no metadata service', async () => {
    expect(
      await attacker.refusals(`
        'instance': lambda: reach('169.254.169.254', 80),
        'task': lambda: reach('169.254.170.2', 80),
        'pod': lambda: reach('169.254.170.23', 80),
        'instance by IPv6': lambda: reach('fd00:ec2::254', 80),
      `),
    ).toEqual(all(['instance', 'task', 'pod', 'instance by IPv6'], 'ENETUNREACH'));
  });

  test('has no route out, by no protocol, and cannot make one', async () => {
    expect(await attacker.value('[name for _, name in socket.if_nameindex()]')).toEqual(['lo']);
    const out = ['TCP', 'UDP', 'TCP by IPv6', 'UDP by IPv6', 'private network'];
    expect(
      await attacker.refusals(`
        'TCP': lambda: reach('1.1.1.1', 443),
        'UDP': lambda: reach('8.8.8.8', 53, socket.SOCK_DGRAM),
        'TCP by IPv6': lambda: reach('2606:4700:4700::1111', 443),
        'UDP by IPv6': lambda: reach('2001:4860:4860::8888', 53, socket.SOCK_DGRAM),
        'private network': lambda: reach('10.0.0.1', 443),
      `),
    ).toEqual(all(out, 'ENETUNREACH'));
    const sockets = ['raw', 'packet', 'virtual machine', 'kernel crypto', 'netfilter'];
    expect(
      await attacker.refusals(`
        'raw': lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
        'packet': lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0),
        'virtual machine': lambda: socket.socket(40, socket.SOCK_STREAM),
        'kernel crypto': lambda: socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET),
        'netfilter': lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12),
      `),
    ).toEqual(all(sockets, 'EPERM'));
    const tap = await attacker.refusals(`'tap': lambda: os.open('/dev/net/tun', os.O_RDWR)`);
    expect(tap).toEqual({ tap: 'ENOENT' });
  });

  test('reaches nothing of the stack on this machine, though all of it is open from here', async () => {
    const own = Object.values(networkInterfaces())
      .flat()
      .filter((one) => one?.family === 'IPv4' && !one.internal)
      .map((one) => one?.address ?? '');
    const listeners = stackListeners().filter(({ address }) => address === '127.0.0.1');
    const ports = listeners.map(({ port }) => port);
    expect(ports).toContain(Number(new URL(target.baseUrl).port));
    expect(ports).toContain(Number(new URL(target.control?.url ?? '').port));
    // The third is the front door of the AWS stand-ins.
    expect(ports.length).toBeGreaterThanOrEqual(3);
    expect(await Promise.all(listeners.map(isOpen))).toEqual(ports.map(() => true));

    const answers = await attacker.value(
      `[[refusal(reach, host, port) for port in ${JSON.stringify(ports)}] for host in ${JSON.stringify(['127.0.0.1', '::1', ...own])}]`,
    );
    // Loopback is its own; of this machine's other addresses it has no route to any.
    const expected = ['ECONNREFUSED', 'ECONNREFUSED', ...own.map(() => 'ENETUNREACH')];
    expect(answers).toEqual(expected.map((refusal) => ports.map(() => refusal)));
  });

  test('resolves no name, and has nobody to ask', async () => {
    expect(await attacker.value(`text_of('/etc/resolv.conf')`)).toBe('');
    const names = ['example.com', 'sts.amazonaws.com', 'metadata.google.internal'];
    expect(
      await attacker.value(
        `[refusal(socket.getaddrinfo, name, 443) for name in ${JSON.stringify(names)}]`,
      ),
    ).toEqual(names.map(() => 'gaierror'));
    expect(await attacker.value(`text_of('/proc/net/udp').splitlines()[1:]`)).toEqual([]);
    expect(await attacker.value(`socket.gethostbyname('localhost')`)).toBe('127.0.0.1');
  });
});

describe('another sandbox', () => {
  test('does not answer: every address of one leads back to the own agent', async () => {
    const addresses = stackListeners()
      .filter(({ port }) => port === AGENT_PORT)
      .map(({ address }) => address);
    expect(addresses.length).toBeGreaterThanOrEqual(2);
    const tasks = await attacker.value(
      `[ask(host, 'GET', '/health')[1]['taskId'] for host in ${JSON.stringify(['127.0.0.1', ...addresses])}]`,
    );
    const othersTask = await other.value(`ask('127.0.0.1', 'GET', '/health')[1]['taskId']`);
    expect(new Set(tasks).size).toBe(1);
    expect(tasks).not.toContain(othersTask);
  });

  test('shows none of its processes, files, sockets or shared memory', async () => {
    const mark = `mark-${randomUUID()}`;
    await other.print(`
child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)', ${JSON.stringify(mark)}])
for folder in ['/home/user', '/tmp', '/dev/shm']: open(f'{folder}/${mark}', 'w').close()
listener = socket.socket(socket.AF_UNIX); listener.bind('\\0${mark}'); listener.listen()
tcp = socket.create_server(('127.0.0.1', 41234))`);
    const look = `{
      'processes': [pid for pid in pids() if ${JSON.stringify(mark)} in text_of(f'/proc/{pid}/cmdline')],
      'files': [top for top in ['/home/user', '/tmp', '/dev/shm'] if os.path.exists(f'{top}/${mark}')],
      'abstract socket': refusal(lambda: socket.socket(socket.AF_UNIX).connect('\\0${mark}')),
      'port': refusal(reach, '127.0.0.1', 41234),
    }`;
    expect(await other.value(look)).toEqual({
      processes: [expect.any(Number)],
      files: ['/home/user', '/tmp', '/dev/shm'],
      'abstract socket': 'succeeded: None',
      port: "succeeded: 'reached'",
    });
    expect(await attacker.value(look)).toEqual({
      processes: [],
      files: [],
      'abstract socket': 'ECONNREFUSED',
      port: 'ECONNREFUSED',
    });
  });

  test('is not among the processes, which are few and all its own', async () => {
    const uids = await attacker.value('sorted({os.stat(f"/proc/{pid}").st_uid for pid in pids()})');
    expect(uids).toEqual([0, 1000]);
    expect(
      await attacker.value('[text_of(f"/proc/{pid}/comm").strip() for pid in agents()]'),
    ).toEqual(['bwrap', expect.stringMatching(/^(node|MainThread)/)]);
  });
});

/** Keys of ours, of AWS, and what only this stack has. */
function secretPattern(): string {
  const { apiKey, control } = target;
  const own = [apiKey, ...(control ? [control.token] : [])];
  return [
    ...own,
    'ci_[0-9a-f]{40}',
    '(AKIA|ASIA)[0-9A-Z]{16}',
    'AWS_(SECRET|SESSION)',
    'PRIVATE KEY',
  ].join('|');
}
