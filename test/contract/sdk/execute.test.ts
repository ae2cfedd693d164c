/** Running code through the SDK against the API's own forms: results, callbacks, starts, ends. */
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { CodeInterpreterError, ConnectionError } from '../../../sdk/typescript/src/index.ts';
import { FakeApi, type FakeExecution, started } from '../../helpers/fake-api.ts';
import { quickSandbox } from '../../helpers/sdk.ts';

test('execute folds the events into a result and tells each callback in order', async () => {
  await using fake = await FakeApi.start({
    onExecute: (execution) => {
      execution.emit(
        started(execution),
        { type: 'stdout', text: 'a' },
        { type: 'stderr', base64: Buffer.from([0xff, 0x62]).toString('base64') },
        { type: 'result', main: true, data: { 'text/plain': '1' } },
        { type: 'error', name: 'KeyError', value: "'k'", traceback: '…' },
      );
      execution.finish('error');
    },
  });
  const { sandbox } = await quickSandbox(fake);
  const told: string[] = [];
  const result = await sandbox.execute('code', {
    language: 'python',
    timeoutMs: 5_000,
    env: { A: '1' },
    onStdout: (text) => told.push(`out ${text}`),
    onStderr: async (text) => {
      await pause(20);
      told.push(`err ${text}`);
    },
    onResult: ({ data }) => told.push(`result ${JSON.stringify(data)}`),
    onEvent: ({ seq }) => told.push(`event ${seq}`),
  });
  expect(result).toEqual({
    executionId: [...fake.executions.keys()][0],
    stdout: 'a',
    stderr: '\uFFFDb',
    exitCode: 1,
    outcome: 'error',
    results: [{ main: true, data: { 'text/plain': '1' } }],
    error: { name: 'KeyError', value: "'k'", traceback: '…' },
    metrics: { wallMs: 1 },
    truncated: false,
  });
  expect(told).toEqual([
    'event 1',
    'event 2',
    'out a',
    'event 3',
    'err \uFFFDb',
    'event 4',
    'result {"text/plain":"1"}',
    'event 5',
    'event 6',
  ]);
  expect(fake.seen.at(-1)?.body).toEqual({
    code: 'code',
    language: 'python',
    timeoutMs: 5_000,
    env: { A: '1' },
  });
});

test('output is at the caller while the code still runs', async () => {
  let running: FakeExecution | undefined;
  await using fake = await FakeApi.start({
    onExecute: (execution) => {
      running = execution;
      execution.emit(started(execution), { type: 'stdout', text: 'first' });
    },
  });
  const { sandbox } = await quickSandbox(fake);
  const { stdout } = await sandbox.execute('code', {
    // The run ends only once this line was seen.
    onStdout: (text) => (text === 'first' ? running?.finish() : undefined),
  });
  expect(stdout).toBe('first');
});

test('a stream that ends in good order without `finished` is resumed, not believed', async () => {
  let running: FakeExecution | undefined;
  await using fake = await FakeApi.start({
    streamLifeMs: 20,
    onExecute: (execution) => {
      running = execution;
      execution.emit(started(execution), { type: 'stdout', text: 'a' });
    },
  });
  const { sandbox } = await quickSandbox(fake);
  const result = sandbox.execute('code');
  await vi.waitFor(() => expect(fake.count('readEvents')).toBeGreaterThan(2));
  running?.finish();
  expect(await result).toMatchObject({ outcome: 'ok', stdout: 'a' });
  const resumed = fake.seen.find(({ operation }) => operation === 'readEvents');
  expect(resumed?.url.search).toBe('?after=2');
  expect(resumed?.headers['last-event-id']).toBe('2');
});

test('a start whose answer is lost is asked for again under its key, and runs once', async () => {
  await using fake = await FakeApi.start({ lostAnswers: { executeCode: 2 } });
  const { sandbox } = await quickSandbox(fake);
  expect(await sandbox.execute('code')).toMatchObject({ outcome: 'ok' });
  expect(fake.count('executeCode')).toBe(3);
  expect(fake.executions.size).toBe(1);
  await sandbox.execute('code');
  const keys = fake.seen
    .filter(({ operation }) => operation === 'executeCode')
    .map(({ headers }) => headers['idempotency-key']);
  expect(new Set(keys).size).toBe(2);
});

test('a start that is lost again and again is an error that says how not to run twice', async () => {
  await using fake = await FakeApi.start({ lostAnswers: { executeCode: 100 } });
  const { api, sandbox } = await quickSandbox(fake);
  const error: unknown = await sandbox
    .execute('code', { idempotencyKey: 'mine' })
    .catch((error: unknown) => error);
  expect(error).toBeInstanceOf(ConnectionError);
  expect(error).toMatchObject({ retryable: false });
  expect(String(error)).toMatch(/same `idempotencyKey`/);
  expect(fake.count('executeCode')).toBe(api.timing.attempts);
  fake.behaviour.lostAnswers = {};
  await sandbox.execute('code', { idempotencyKey: 'mine' });
  expect(fake.executions.size).toBe(1);
});

test('a start that is lost after the head of its answer is resumed by the id in it', async () => {
  await using fake = await FakeApi.start({ cuts: [{ afterBytes: 0, how: 'reset' }] });
  const { sandbox } = await quickSandbox(fake);
  expect(await sandbox.execute('code')).toMatchObject({ outcome: 'ok' });
  expect(fake.count('executeCode')).toBe(1);
});

test('a stream whose bytes are held back is left for long polling, and later runs do not try it', async () => {
  await using fake = await FakeApi.start({ streams: 'silent' });
  const { sandbox } = await quickSandbox(fake, { firstByteMs: 30 });
  for (let i = 0; i < 3; i += 1) {
    expect(await sandbox.execute('code')).toMatchObject({ outcome: 'ok' });
  }
  const starts = fake.seen.filter(({ operation }) => operation === 'executeCode');
  expect(starts.map(({ headers }) => headers['prefer'])).toEqual([
    undefined,
    undefined,
    'respond-async',
  ]);
  expect(fake.executions.size).toBe(3);
});

test('a stream that falls silent is resumed', async () => {
  let running: FakeExecution | undefined;
  await using fake = await FakeApi.start({
    heartbeatMs: 60_000,
    onExecute: (execution) => {
      running = execution;
      execution.emit(started(execution));
    },
  });
  const { sandbox } = await quickSandbox(fake, { silenceMs: 40 });
  const result = sandbox.execute('code');
  await vi.waitFor(() => expect(fake.count('readEvents')).toBeGreaterThan(0));
  running?.finish();
  expect(await result).toMatchObject({ outcome: 'ok' });
});

test('heartbeats keep the stream of silent code alive', async () => {
  let running: FakeExecution | undefined;
  await using fake = await FakeApi.start({
    heartbeatMs: 25,
    onExecute: (execution) => {
      running = execution;
      execution.emit(started(execution));
    },
  });
  const { sandbox } = await quickSandbox(fake, { silenceMs: 1_000 });
  const result = sandbox.execute('code');
  await vi.waitFor(() => expect(fake.heartbeats).toBeGreaterThan(50), 10_000);
  running?.finish();
  await result;
  expect(fake.count('readEvents')).toBe(0);
});

test('a hole in the log is an error, never a result', async () => {
  await using fake = await FakeApi.start({ holes: new Set([2]), onExecute: twoLines });
  const { sandbox } = await quickSandbox(fake);
  const seen: number[] = [];
  const error: unknown = await sandbox
    .execute('code', { onEvent: ({ seq }) => seen.push(seq) })
    .catch((error: unknown) => error);
  expect(error).toBeInstanceOf(ConnectionError);
  expect(error).toMatchObject({ details: { after: 1 } });
  expect(seen).toEqual([1]);
});

test('reading is given up after long unbroken trouble, and the error says where', async () => {
  await using fake = await FakeApi.start({
    onExecute: (execution) => execution.emit(started(execution)),
    streamLifeMs: 1,
    refusals: {
      readEvents: Array.from({ length: 1_000 }, () => ({
        status: 503,
        code: 'AGENT_UNREACHABLE',
        retryable: true,
      })),
    },
  });
  const { sandbox } = await quickSandbox(fake, { giveUpMs: 60 });
  const error: unknown = await sandbox.execute('code').catch((error: unknown) => error);
  expect(error).toMatchObject({ code: 'CONNECTION_ERROR', details: { after: 1 } });
});

test('a reader whose log is gone gets that error, and code that was refused gets its own', async () => {
  await using fake = await FakeApi.start({
    cuts: [{ afterBytes: 0, how: 'end' }],
    refusals: { readEvents: [{ status: 410, code: 'CURSOR_EXPIRED' }] },
  });
  const { sandbox } = await quickSandbox(fake);
  await expect(sandbox.execute('code')).rejects.toMatchObject({ code: 'CURSOR_EXPIRED' });
  fake.behaviour.refusals['executeCode'] = [
    { status: 429, code: 'RESOURCE_LIMIT_ERROR', retryable: true, retryAfter: 1 },
  ];
  const error: unknown = await sandbox.execute('code').catch((error: unknown) => error);
  expect(error).toBeInstanceOf(CodeInterpreterError);
  expect(error).toMatchObject({ code: 'RESOURCE_LIMIT_ERROR', status: 429, retryable: true });
  expect(fake.count('executeCode')).toBe(2);
});

test('aborting ends the reading and interrupts the code, once', async () => {
  await using fake = await FakeApi.start({
    onExecute: (execution) => execution.emit(started(execution), { type: 'stdout', text: 'a' }),
  });
  const { sandbox } = await quickSandbox(fake);
  const aborting = new AbortController();
  const reason = new Error('enough');
  const run = sandbox.execute('code', {
    signal: aborting.signal,
    onStdout: () => aborting.abort(reason),
  });
  await expect(run).rejects.toBe(reason);
  expect([...fake.executions.values()].map(({ interrupted }) => interrupted)).toEqual([true]);
  expect(fake.count('interrupt')).toBe(1);
});

test('aborting while the start is under way still interrupts what it started', async () => {
  const head = Promise.withResolvers<void>();
  await using fake = await FakeApi.start({
    onExecute: (execution) => execution.emit(started(execution)),
    beforeHead: () => head.promise,
  });
  const { sandbox } = await quickSandbox(fake);
  const aborting = new AbortController();
  const run = sandbox.execute('code', { signal: aborting.signal });
  await vi.waitFor(() => expect(fake.count('executeCode')).toBe(1));
  aborting.abort();
  head.resolve();
  await expect(run).rejects.toMatchObject({ name: 'AbortError' });
  expect(fake.count('interrupt')).toBe(1);
});

test('leaving the loop stops the reading and leaves the code alone', async () => {
  await using fake = await FakeApi.start({
    onExecute: (execution) => execution.emit(started(execution), { type: 'stdout', text: 'a' }),
  });
  const { sandbox } = await quickSandbox(fake);
  for await (const event of sandbox.run('code')) if (event.type === 'stdout') break;
  expect(fake.count('interrupt')).toBe(0);
});

test('a callback that throws ends the call with its error', async () => {
  await using fake = await FakeApi.start({ onExecute: twoLines });
  const { sandbox } = await quickSandbox(fake);
  const run = sandbox.execute('code', {
    onStdout: () => Promise.reject(new Error('my own')),
  });
  await expect(run).rejects.toThrow('my own');
});

test('runs one after another share one connection', async () => {
  await using fake = await FakeApi.start();
  const { sandbox } = await quickSandbox(fake);
  for (let i = 0; i < 5; i += 1) await sandbox.execute('code');
  expect(fake.connections).toBeLessThanOrEqual(2);
});

function twoLines(execution: FakeExecution): void {
  execution.emit(
    started(execution),
    { type: 'stdout', text: 'a\n' },
    { type: 'stdout', text: 'b\n' },
  );
  execution.finish();
}
