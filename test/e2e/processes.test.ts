/** Processes and terminals through the whole platform: started, read, left, found again, ended; and what a sandbox uses. */
import { CodeInterpreter, type Event, type Process, type Way } from '@code-interpreter/sdk';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { api, target } from '../helpers/api.ts';
import { expectRefusal } from '../helpers/refusals.ts';
import { connectSocket } from '../helpers/socket.ts';

const newClient = (transport: Way) =>
  new CodeInterpreter({ baseUrl: target.baseUrl, apiKey: target.apiKey, transport });
const client = newClient('websocket');
let sandbox: Awaited<ReturnType<typeof client.createSandbox>>;
beforeAll(async () => {
  sandbox = await client.createSandbox({ runtime: 'python' });
});
afterAll(async () => {
  await sandbox.terminate();
  client.close();
});

const COUNT = 'for n in 1 2 3; do echo $n; sleep 0.05; done; echo oh >&2; exit 3';

async function until(process: Process, text: string, after = 0): Promise<Event> {
  let said = '';
  for await (const event of process.events({ after })) {
    if (event.type === 'stdout') said += event.text;
    if (said.includes(text)) return event;
  }
  throw new Error(`it ended and said ${said}`);
}

describe.each(['websocket', 'sse', 'poll'] as const)('by %s', (transport) => {
  test('a process is heard to its end, and again from the beginning', async () => {
    const own = newClient(transport);
    const { processes } = await own.getSandbox(sandbox.id);
    const heard: string[] = [];
    const process = await processes.start(COUNT, {
      onStdout: (text) => void heard.push(text),
      onStderr: (text) => void heard.push(`! ${text}`),
    });
    expect(await process.wait()).toMatchObject({
      executionId: process.executionId,
      stdout: '1\n2\n3\n',
      stderr: 'oh\n',
      exitCode: 3,
      outcome: 'error',
    });
    expect(heard.at(-1)).toBe('! oh\n');
    expect((await process.wait({})).stdout).toBe('1\n2\n3\n');
    own.close();
  });
});

test('a terminal is left and found again by another client, which goes on where it was', async () => {
  const shell = await sandbox.processes.start('bash --norc', { pty: { cols: 80, rows: 24 } });
  await shell.write('stty -echo; echo "<$(stty size)>"\n');
  const { seq } = await until(shell, '<24 80>');
  const other = newClient('websocket');
  const found = await (await other.getSandbox(sandbox.id)).processes.connect(shell.pid);
  await found.resize({ cols: 100, rows: 30 });
  await found.write('echo "<$(stty size)>"; exit 5\n');
  await until(found, '<30 100>', seq);
  expect(await found.wait()).toMatchObject({ exitCode: 5 });
  expect(await found.kill()).toBe(false);
  other.close();
});

test('what nobody has read is read after the sandbox has ended', async () => {
  await using other = await client.createSandbox({ runtime: 'python' });
  const process = await other.processes.start('echo before; sleep 60');
  const quick = await other.processes.start('echo quick');
  await expect
    .poll(async () => (await other.processes.list()).find(({ pid }) => pid === quick.pid)?.status)
    .toBe('ended');
  await other.terminate();
  expect(await process.wait()).toMatchObject({ stdout: 'before\n', outcome: 'killed' });
  expect(await quick.wait()).toMatchObject({ stdout: 'quick\n', outcome: 'ok' });
});

test('is started once for its key, is signalled, reads its stdin, and is listed', async () => {
  const options = { stdin: true, tag: 'mine', idempotencyKey: 'key-1' };
  const [cat, same] = await Promise.all([
    sandbox.processes.start('trap "exit 9" TERM; cat; sleep 60', options),
    sandbox.processes.start('trap "exit 9" TERM; cat; sleep 60', options),
  ]);
  expect(same.pid).toBe(cat.pid);
  await expect(sandbox.processes.start('true', { idempotencyKey: 'key-1' })).rejects.toMatchObject({
    code: 'IDEMPOTENCY_CONFLICT',
  });
  const listed = await sandbox.processes.list();
  expect(listed).toContainEqual(
    expect.objectContaining({ pid: cat.pid, tag: 'mine', status: 'running' }),
  );
  await cat.write('é\n');
  await cat.closeStdin();
  await until(cat, 'é');
  await cat.signal('SIGTERM');
  expect(await cat.wait()).toMatchObject({ stdout: 'é\n', outcome: 'error', exitCode: 9 });
  const executions = await api(`/executions/${cat.executionId}`);
  expect(executions.json.data).toMatchObject({ pid: cat.pid, status: 'finished', stdout: 'é\n' });
});

test('what the sandbox uses is told to whoever watches it, and can be asked for', async () => {
  using socket = await connectSocket();
  await socket.ask('subscribe', { sandboxId: sandbox.id, delivery: 0 }, 'ack');
  const process = await sandbox.processes.start('sleep 60');
  const { payload } = await socket.hear(({ type }) => type === 'resource.metrics');
  expect(payload).toMatchObject({
    sandboxId: sandbox.id,
    memoryUsedBytes: expect.any(Number),
    memoryLimitBytes: expect.any(Number),
    cpuCount: expect.any(Number),
    diskUsedBytes: expect.any(Number),
  });
  const samples = await sandbox.metrics();
  expect(samples.length).toBeGreaterThan(0);
  const last = samples.at(-1);
  expect(await sandbox.metrics({ from: new Date(last?.at ?? '') })).toContainEqual(last);
  expect(await sandbox.metrics({ to: new Date(0) })).toEqual([]);
  const path = `/sandboxes/${sandbox.id}/metrics?from=yesterday`;
  expectRefusal(await api(path), 'VALIDATION_ERROR', 'from');
  await process.kill();
});

describe.each(['websocket', 'poll'] as const)('by %s', (transport) => {
  test('changes of a directory are told once and in order, until the watch is stopped', async () => {
    const own = newClient(transport);
    const { files } = await own.getSandbox(sandbox.id);
    const directory = `watched-${transport}`;
    await files.mkdir(directory);
    const heard: string[] = [];
    await using watch = await files.watch(
      directory,
      ({ type, path }) => void heard.push(`${type} ${path}`),
      { recursive: true },
    );
    // What comes and goes in a new directory before it is watched itself, nobody can tell.
    await sandbox.execute(`mkdir ${directory}/a`, { language: 'bash' });
    await expect.poll(() => heard).toContain('create a');
    const code = `echo > ${directory}/a/b; rm ${directory}/a/b`;
    await sandbox.execute(code, { language: 'bash' });
    await expect.poll(() => heard).toContain('remove a/b');
    expect(heard[0]).toBe('create a');
    await watch.stop();
    await watch.ended;
    own.close();
  });
});

test('a watch is pushed as file.change to whoever subscribes to it', async () => {
  const path = `/sandboxes/${sandbox.id}/files/watch`;
  const { data } = (await api(path, { body: { path: '.' } })).json;
  using socket = await connectSocket();
  await socket.ask('subscribe', { executionId: data.executionId, delivery: 0 }, 'ack');
  await sandbox.files.write('pushed.txt', 'x');
  const isChange = (event: Event) => event.type === 'change' && event.path === 'pushed.txt';
  await socket.hear(
    ({ type, payload }) =>
      type === 'file.change' && (payload as { events: Event[] }).events.some(isChange),
  );
  await api(`/executions/${data.executionId}`, { method: 'DELETE' });
  await socket.complete(data.executionId);
  expectRefusal(await api(path, { body: { path: 'nowhere' } }), 'FILE_NOT_FOUND');
});

test('what cannot be is refused by name', async () => {
  const path = `/sandboxes/${sandbox.id}/processes`;
  expectRefusal(await api(path, { body: { command: 'nosuch', args: [] } }), 'VALIDATION_ERROR');
  expectRefusal(await api(path, { body: { command: '' } }), 'VALIDATION_ERROR', 'command');
  expectRefusal(await api(path, { body: { command: 'a', cols: 1 } }), 'VALIDATION_ERROR', 'cols');
  expectRefusal(await api(`${path}/0`, { method: 'DELETE' }), 'VALIDATION_ERROR', 'pid');
  expectRefusal(await api(`${path}/4000000`, { method: 'DELETE' }), 'PROCESS_NOT_FOUND');
  const signal = { body: { signal: 'SIGSEGV' } };
  expectRefusal(await api(`${path}/1/signal`, signal), 'VALIDATION_ERROR', 'signal');
  await expect(sandbox.processes.connect(4_000_000)).rejects.toMatchObject({
    code: 'PROCESS_NOT_FOUND',
  });
  expect(await sandbox.processes.kill(4_000_000)).toBe(false);
});
