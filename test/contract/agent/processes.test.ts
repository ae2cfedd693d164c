/** Long-lived commands and terminals over the agent's own routes: their events are an execution's. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Process, ProcessList, ProcessStdinResponse } from '../../../contract/agent/processes.ts';
import { AgentErrorBody } from '../../../contract/errors.ts';
import { newId, startAgent, type TestAgent } from '../../helpers/agent.ts';

let agent: TestAgent;
beforeAll(async () => {
  agent = await startAgent({ driver: 'plain', terminals: true, init: { env: { GIVEN: 'yes' } } });
});
afterAll(async () => {
  await agent?.[Symbol.asyncDispose]();
});

const asked = (body: object) => ({ executionId: newId('ex'), ...body });
async function start(body: object): Promise<Process & { executionId: string }> {
  const answer = await agent.call('POST', '/processes', asked(body));
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  return Process.parse(answer.body) as Process & { executionId: string };
}
const to = (pid: number, what: string, body: object) =>
  agent.call('POST', `/processes/${pid}/${what}`, body);
const refusal = ({ body }: { body: unknown }) => AgentErrorBody.parse(body);
async function untilSaid(id: string, text: string): Promise<void> {
  let said = '';
  for await (const event of agent.events(id)) {
    if (event.type === 'stdout') said += event.text;
    if (said.includes(text)) return;
  }
  throw new Error(`it ended and said ${said}`);
}

it('ends with its command, also while something that it left behind goes on printing', async () => {
  const { executionId } = await start({
    command: '(for i in {1..3000}; do echo x; sleep 0.02; done) & echo started',
  });
  const { finished, stdout } = await agent.result(executionId);
  expect(finished.outcome).toBe('ok');
  expect(stdout).toContain('started\n');
});

it('runs a line of bash, and its events can be read and read again', async () => {
  const { pid, executionId, ...told } = await start({
    command: 'echo "$GIVEN $MINE"; echo oh >&2; exit 3',
    env: { MINE: 'too' },
    tag: 'first',
  });
  expect(told).toMatchObject({ command: '/bin/bash', tag: 'first', stdin: false });
  const run = await agent.result(executionId);
  expect(run).toMatchObject({ stdout: 'yes too\n', stderr: 'oh\n', finished: { exitCode: 3 } });
  expect((await agent.result(executionId)).events).toEqual(run.events);
  const { items } = ProcessList.parse((await agent.call('GET', '/processes')).body);
  expect(items.find((item) => item.pid === pid)).toMatchObject({
    executionId,
    status: 'ended',
    outcome: 'error',
    exitCode: 3,
  });
});

it('starts one process however often it is asked, and refuses another body under its id', async () => {
  const body = asked({ command: 'cat', args: [], stdin: true });
  const answers = await Promise.all([1, 2].map(() => agent.call('POST', '/processes', body)));
  const [first, second] = answers.map((answer) => Process.parse(answer.body).pid);
  expect(first).toBe(second);
  const other = await agent.call('POST', '/processes', { ...body, command: 'tac' });
  expect(refusal(other).code).toBe('IDEMPOTENCY_CONFLICT');
  expect((await agent.call('DELETE', `/processes/${first}`)).status).toBe(204);
});

it('reads its stdin in the order of its numbers, each once, and meets its end', async () => {
  const { pid, executionId } = await start({ command: 'cat', stdin: true });
  await to(pid, 'stdin', { seq: 2, text: 'b' });
  await to(pid, 'stdin', { seq: 1, text: 'a' });
  const again = await to(pid, 'stdin', { seq: 1, text: 'again' });
  expect(ProcessStdinResponse.parse(again.body)).toEqual({ pid, nextSeq: 3 });
  await to(pid, 'stdin', { seq: 3, text: 'é', close: true });
  expect((await agent.result(executionId)).stdout).toBe('abé');
});

it('gives a terminal that takes input and another size', async () => {
  const { pid, executionId, pty } = await start({
    command: 'bash',
    args: ['--norc', '-i'],
    pty: { cols: 80, rows: 24 },
  });
  expect(pty).toEqual({ cols: 80, rows: 24 });
  await to(pid, 'stdin', { seq: 1, text: 'echo "<$(stty size) $TERM>"\n' });
  await untilSaid(executionId, '<24 80 xterm-256color>');
  expect((await to(pid, 'resize', { cols: 100, rows: 30 })).status).toBe(204);
  await to(pid, 'stdin', { seq: 2, text: 'echo "<$(stty size)>"\n' });
  await untilSaid(executionId, '<30 100>');
  await to(pid, 'stdin', { seq: 3, text: 'exit 5\n' });
  expect((await agent.result(executionId)).finished).toMatchObject({ exitCode: 5 });
});

it('is signalled, killed, interrupted and ended by its time', async () => {
  const trap = 'trap "echo heard; exit 7" USR1; echo ready; while :; do sleep 0.01; done';
  const signalled = await start({ command: trap });
  await untilSaid(signalled.executionId, 'ready');
  expect((await to(signalled.pid, 'signal', { signal: 'SIGUSR1' })).status).toBe(204);
  expect(await agent.result(signalled.executionId)).toMatchObject({
    stdout: 'ready\nheard\n',
    finished: { exitCode: 7 },
  });
  const [killed, interrupted, late] = await Promise.all([
    start({ command: 'sleep 60' }),
    start({ command: 'sleep 60' }),
    start({ command: 'sleep 60', timeoutMs: 100 }),
  ]);
  await agent.call('DELETE', `/processes/${killed.pid}`);
  await agent.call('POST', `/executions/${interrupted.executionId}/interrupt`);
  const ends = [killed, interrupted, late].map(({ executionId }) => agent.result(executionId));
  expect((await Promise.all(ends)).map(({ finished }) => finished)).toMatchObject([
    { outcome: 'killed', signal: 'SIGKILL' },
    { outcome: 'interrupted', signal: 'SIGINT' },
    { outcome: 'timeout' },
  ]);
});

it('that has ended, or never was, is not found', async () => {
  const { pid, executionId } = await start({ command: 'exit 4' });
  await agent.result(executionId);
  for (const answer of [
    await agent.call('DELETE', `/processes/${pid}`),
    await to(pid, 'stdin', { seq: 1, text: 'x' }),
    await to(pid, 'resize', { cols: 1, rows: 1 }),
    await to(4_000_000, 'signal', { signal: 'SIGTERM' }),
  ])
    expect(refusal(answer).code).toBe('PROCESS_NOT_FOUND');
});

it.each([
  [{ command: '' }, 'command'],
  [{ command: 'a\0b' }, 'command'],
  [{ command: 'nosuch', args: [] }, 'command'],
  [{ command: 'true', pty: { cols: 0, rows: 1 } }, 'pty.cols'],
  [{ command: 'true', timeoutMs: 1 }, 'timeoutMs'],
  [{ command: 'true', other: 1 }, 'other'],
])('%j is refused by the name of its field', async (body, field) => {
  const answer = await agent.call('POST', '/processes', asked(body));
  expect(refusal(answer)).toMatchObject({ code: 'VALIDATION_ERROR', details: { field } });
});

it('that takes no input says how it would', async () => {
  const { pid } = await start({ command: 'sleep 60' });
  const answer = await to(pid, 'stdin', { seq: 1, text: 'x' });
  expect(refusal(answer)).toMatchObject({
    code: 'INVALID_SANDBOX_STATE',
    message: expect.stringContaining('stdin: true'),
  });
  const resized = await to(pid, 'resize', { cols: 1, rows: 1 });
  expect(refusal(resized).message).toContain('has no terminal');
  await agent.call('DELETE', `/processes/${pid}`);
});

it('shows how a long command and its arguments begin, and refuses more than a program takes', async () => {
  const long = 'x'.repeat(60_000);
  const args = ['-c', 'echo ${#1} ${#2}', 'sh', long, long];
  const { executionId, args: shown = [] } = await start({ command: 'bash', args });
  expect((await agent.result(executionId)).stdout).toBe('60000 60000\n');
  expect(shown.slice(0, 3)).toEqual(args.slice(0, 3));
  expect(shown.join('').length).toBeLessThanOrEqual(1_024);
  const line = await start({ command: `true ${long}` });
  expect(line.args?.join('').length).toBeLessThanOrEqual(1_024);
  const over = await agent.call(
    'POST',
    '/processes',
    asked({ command: 'ls', args: [long, long, long] }),
  );
  expect(refusal(over)).toMatchObject({ code: 'VALIDATION_ERROR' });
  expect(refusal(over).message).toMatch(/args.*131072 bytes together/);
});

it('is one of 32 at most, and its end makes room', async () => {
  const listed = async () => ProcessList.parse((await agent.call('GET', '/processes')).body).items;
  const running = async () => (await listed()).filter(({ status }) => status === 'running');
  const sleep = { command: 'sleep', args: ['600'] };
  const endAll = async () => {
    const left = await running();
    await Promise.all(left.map(({ pid }) => agent.call('DELETE', `/processes/${pid}`)));
    await expect.poll(async () => (await running()).length).toBe(0);
  };
  // One of an earlier test that ends meanwhile would leave room.
  await endAll();
  const all = await Promise.all(Array.from({ length: 32 }, () => start(sleep)));
  const refused = refusal(await agent.call('POST', '/processes', asked(sleep)));
  expect(refused).toMatchObject({ code: 'RESOURCE_LIMIT_ERROR', details: { value: 32 } });
  await agent.call('DELETE', `/processes/${all[0]?.pid}`);
  await agent.result(all[0]?.executionId ?? '');
  await start(sleep);
  await endAll();
});
