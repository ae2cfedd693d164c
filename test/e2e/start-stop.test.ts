/** `npm start` from its first line to its last: what it keeps, what it leaves, how it says no. */

import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { isAlive, listeners, tracesOf } from '../helpers/host.ts';
import {
  type Belongings,
  modeOf,
  type RunningStack,
  runStart,
  spawnStart,
  startStack,
} from '../helpers/start.ts';

const POOL = 2;
const RUNS_LONG = 'print("begun", flush=True)\nimport time\ntime.sleep(600)';
const stacks: RunningStack[] = [];
let directory: string;
let other: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'start-stop-'));
  other = await mkdtemp(join(tmpdir(), 'start-stop-'));
  // One that every user may enter, and one that only its owner may.
  await chmod(directory, 0o755);
});
afterAll(async () => {
  for (const stack of stacks) await stack[Symbol.asyncDispose]();
  for (const path of [directory, other]) await rm(path, { recursive: true, force: true });
});

async function start(path: string, ...args: string[]): Promise<RunningStack> {
  const stack = await startStack(path, '--pool', String(POOL), ...args);
  stacks.push(stack);
  return stack;
}

/** Asks again where an answer takes its time. */
async function until<T>(ask: () => Promise<T> | T, isIt: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (isIt(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Agents of this stack: one of each sandbox, claimed or not. */
const agentsOf = (stack: RunningStack) =>
  stack.belongings().listeners.filter(({ port }) => port === 49_983).length;

/** A sandbox that runs something long, and an idle one. */
async function twoSandboxes(stack: RunningStack) {
  const [busy, idle] = [await stack.create(), await stack.create()];
  const started = await fetch(`${stack.baseUrl}/sandboxes/${busy}/execute`, {
    method: 'POST',
    headers: {
      'X-API-Key': stack.apiKey,
      'Content-Type': 'application/json',
      Prefer: 'respond-async',
    },
    body: JSON.stringify({ code: RUNS_LONG, timeoutMs: 600_000 }),
  });
  const { data } = (await started.json()) as { data: { id: string } };
  await until(
    () => stack.call(`/executions/${data.id}/events?after=0&waitMs=5000`),
    (page) => page.data.items.some(({ type }: { type: string }) => type === 'stdout'),
  );
  return { busy, idle, execution: data.id };
}

/** Nothing of what a stack had is there any more; the kernel takes a moment for the last process. */
async function expectGone(pid: number, path: string, had: Belongings): Promise<void> {
  await until(
    () => had.processes.filter(isAlive),
    (left) => left.length === 0,
  );
  const left = new Set(listeners().map(({ inode }) => inode));
  expect(had.listeners.filter(({ inode }) => left.has(inode))).toEqual([]);
  expect(tracesOf(pid, path)).toEqual([]);
}

async function expectWorks(stack: RunningStack): Promise<void> {
  const id = await stack.create();
  const run = await stack.call(`/sandboxes/${id}/execute`, { code: 'print(6 * 7)' });
  expect(run).toMatchObject({ status: 200, data: { outcome: 'ok', stdout: '42\n' } });
}

describe('a stack', () => {
  let apiKey: string;
  let killed: RunningStack;
  let had: Belongings;
  let lost: Awaited<ReturnType<typeof twoSandboxes>>;

  test('that is told to end while sandboxes run ends within seconds and leaves nothing', async () => {
    const stack = await start(directory);
    apiKey = stack.apiKey;
    expect(modeOf(join(directory, 'endpoints.json'))).toBe('600');
    lost = await twoSandboxes(stack);
    await until(
      () => agentsOf(stack),
      (agents) => agents === 2 + POOL,
    );
    had = stack.belongings();
    // Each sandbox is at least bwrap twice and an agent; the run folder and control groups bear the name.
    expect(had.processes.length).toBeGreaterThanOrEqual(1 + 4 * 3);
    expect(had.traces.length).toBeGreaterThan(0);

    expect(stack.said.stderr).toContain(`WebSocket at ${stack.websocketUrl}\n`);
    const headers = { 'X-API-Key': apiKey };
    const socket = new WebSocket(stack.websocketUrl, { headers });
    await once(socket, 'open');
    const closed = once(socket, 'close');

    const began = performance.now();
    const ended = await stack.end('SIGTERM');
    expect((await closed)[0]).toBe(1001);
    expect(ended).toMatchObject({ code: 0, stderr: expect.stringMatching(/SIGTERM: stopping\n$/) });
    expect(performance.now() - began).toBeLessThan(5_000);
    await expectGone(stack.pid, directory, had);
    expect(readdirSync(directory).sort()).toEqual(['cdk.out', 'data', 'functions.log', 'run']);
  });

  test('knows its keys after that, ends what ran as host_restarted, and has its pool', async () => {
    killed = await start(
      directory,
      '--set',
      'relay.LEASE_MS=2000',
      '--set',
      'executions.LEASE_MS=2000',
    );
    expect(killed.apiKey).toBe(apiKey);
    for (const id of [lost.busy, lost.idle])
      expect((await killed.call(`/sandboxes/${id}`)).data).toMatchObject({
        status: 'stopped',
        endReason: 'host_restarted',
      });
    await until(
      () => agentsOf(killed),
      (agents) => agents === POOL,
    );
    lost = await twoSandboxes(killed);
    await until(
      () => agentsOf(killed),
      (agents) => agents === 2 + POOL,
    );
    had = killed.belongings();
  });

  test('that is killed takes its processes along, and the next start removes the rest', async () => {
    const refused = await runStart('--port', '0', '--data', directory, '--no-setup');
    expect(refused).toEqual({
      code: 1,
      stdout: '',
      stderr: `the data folder ${directory} is in use by process ${killed.pid}: stop that one, or choose another folder with --data\n`,
    });
    expect((await killed.end('SIGKILL')).code).toBe(null);
    // Two at once, each in a folder of its own; one keeps nothing.
    const [again, beside] = await Promise.all([start(directory), start(other, '--no-persist')]);
    await expectGone(killed.pid, directory, had);
    expect(again.apiKey).toBe(apiKey);
    expect(beside.apiKey).not.toBe(apiKey);
    for (const id of [lost.busy, lost.idle])
      expect((await again.call(`/sandboxes/${id}`)).data).toMatchObject({
        status: 'stopped',
        endReason: 'host_restarted',
      });
    await Promise.all([again, beside].map(expectWorks));
    for (const stack of [again, beside])
      await until(
        () => agentsOf(stack),
        (agents) => agents === 1 + POOL,
      );
    // Its relay died with the stack; a reader that waits for more finds that out.
    const { items } = (
      await until(
        () => again.call(`/executions/${lost.execution}/events?after=2&waitMs=5000`),
        (page) => page.data.finished,
      )
    ).data;
    expect(items).toMatchObject([{ seq: 3, type: 'finished', outcome: 'lost' }]);

    const belongings = [again, beside].map((stack) => stack.belongings());
    const ends = await Promise.all([again, beside].map((stack) => stack.end('SIGTERM')));
    expect(ends.map(({ code }) => code)).toEqual([0, 0]);
    await expectGone(again.pid, directory, belongings[0] as Belongings);
    await expectGone(beside.pid, other, belongings[1] as Belongings);
    expect(readdirSync(other).sort()).toEqual(['cdk.out', 'functions.log', 'run']);
    // Three starts, one with a synthesis of its own.
  }, 120_000);

  test('that is told to end before it is ready leaves nothing either', async () => {
    const { child, ended } = spawnStart(['--port', '0', '--data', other, '--no-setup']);
    await until(
      () => readdirSync(other),
      (names) => names.includes('owner'),
    );
    child.kill('SIGTERM');
    expect(await ended).toEqual({
      code: 1,
      stdout: '',
      stderr: 'SIGTERM: stopping\nSIGTERM came before the stack was ready\n',
    });
    expect(tracesOf(child.pid ?? 0, other)).toEqual([]);
    expect(readdirSync(other).sort()).toEqual(['cdk.out', 'data', 'functions.log', 'run']);
  });
});

describe.concurrent('a start that cannot be', () => {
  test.each<[string, string[], RegExp]>([
    ['an unknown flag', ['--frob'], /^error: unknown option '--frob'$/],
    ['a wrong number', ['--port', '70000'], /^error: option '--port <n>' .*from 0 to 65535$/],
    [
      'a wrong choice',
      ['--isolation', 'some'],
      /^error: option '--isolation <how>' .*auto, bwrap, none\.?$/,
    ],
    [
      'a wrong setting',
      ['--set', 'LEASE_MS=1'],
      /^error: option '--set .*such as relay\.RELAY_LIFE_MS=5000$/,
    ],
    ['a folder that is a file', ['--data', '/etc/passwd'], /\/etc\/passwd/],
  ])('says so in one line: %s', async (_what, args, line) => {
    const { code, stdout, stderr } = await runStart('--no-setup', ...args);
    expect([code, stdout, stderr.split('\n')]).toEqual([1, '', [expect.stringMatching(line), '']]);
  });

  test('names the port that is taken, and leaves nothing', async () => {
    const rival = createServer().listen(0, '127.0.0.1');
    await once(rival, 'listening');
    const { port } = rival.address() as AddressInfo;
    const data = join(other, 'none');
    expect(await runStart('--no-setup', '--data', data, '--port', String(port))).toEqual({
      code: 1,
      stdout: '',
      stderr: `port ${port} is taken by another program: stop that one, or choose another with --port (0 takes any free one)\n`,
    });
    rival.close();
    expect(existsSync(data) ? readdirSync(data) : []).toEqual([]);
  });

  test('shows its flags when it is asked', async () => {
    const { code, stdout, stderr } = await runStart('--help');
    expect([code, stderr]).toEqual([0, '']);
    for (const flag of '--port --data --no-persist --pool --isolation --no-setup --set'.split(' '))
      expect(stdout).toContain(flag);
  });
});
