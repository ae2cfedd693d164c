/** Running code by WebSocket: one connection for all, its acks, its falls to the other ways. */
import { expect, test, vi } from 'vitest';
import { ConnectionError } from '../../../sdk/typescript/src/index.ts';
import {
  FakeApi,
  type FakeBehaviour,
  type FakeExecution,
  started,
} from '../../helpers/fake-api.ts';
import { quickSandbox } from '../../helpers/sdk.ts';

const withSocket = (behaviour: Partial<FakeBehaviour> = {}) =>
  FakeApi.start({ sockets: 'on', ...behaviour });

const lines =
  (count: number, text = 'x') =>
  (execution: FakeExecution) => {
    execution.emit(
      started(execution),
      ...Array.from({ length: count }, (_, i) => ({ type: 'stdout', text: `${i} ${text}\n` })),
    );
    execution.finish();
  };

test('runs start, read and end on one connection, and send nothing by REST', async () => {
  await using fake = await withSocket({ onExecute: lines(3) });
  const { sandbox } = await quickSandbox(fake);
  const results = await Promise.all(Array.from({ length: 8 }, () => sandbox.execute('code')));
  for (const { stdout } of results) expect(stdout).toBe('0 x\n1 x\n2 x\n');
  expect(fake.executions.size).toBe(8);
  expect(fake.socket.opened).toBe(1);
  expect(fake.seen.map(({ operation }) => operation)).toEqual(['getSandbox', 'createTicket']);
  // Each is acknowledged to its end, so that the server need not wait.
  await vi.waitFor(() => {
    const acked = fake.socket.received.filter(({ type }) => type === 'ack');
    expect(acked.map(({ payload }) => payload)).toEqual(
      expect.arrayContaining(
        [...fake.executions.keys()].map((executionId) => ({ executionId, seq: 5 })),
      ),
    );
  });
});

test('a connection that nobody reads by is closed, and opened again when it is needed', async () => {
  await using fake = await withSocket();
  const { sandbox } = await quickSandbox(fake, { socketIdleMs: 10 });
  for (let opened = 1; opened <= 2; opened += 1) {
    await sandbox.execute('code');
    expect(fake.socket.opened).toBe(opened);
    await vi.waitFor(() => expect(fake.socket.open).toBe(0));
  }
  await sandbox.execute('code');
  await sandbox.terminate();
  await vi.waitFor(() => expect(fake.socket.open).toBe(0));
});

test('a start whose answer is lost is sent again, also in another way, and runs once', async () => {
  await using fake = await withSocket({ lostMessages: 1, onExecute: lines(1) });
  const { sandbox } = await quickSandbox(fake);
  expect(await sandbox.execute('code')).toMatchObject({ stdout: '0 x\n', outcome: 'ok' });
  expect(fake.executions.size).toBe(1);
  expect(fake.count('executeCode')).toBe(1);
});

test("API Gateway's own words are an error that is tried again", async () => {
  await using fake = await withSocket({ gatewayErrors: 2, onExecute: lines(1) });
  const { sandbox } = await quickSandbox(fake);
  expect(await sandbox.execute('code')).toMatchObject({ outcome: 'ok' });
  expect(fake.socket.count('execution.start')).toBe(3);
  expect(fake.executions.size).toBe(1);
});

test('what the server refuses is its own error', async () => {
  await using fake = await withSocket();
  const { api } = await quickSandbox(fake);
  const inbox = await api.socket.subscribe(`ex${'z'.repeat(20)}`, 0, new AbortController().signal);
  await expect(inbox.batches(() => Promise.resolve([])).next()).rejects.toMatchObject({
    code: 'EXECUTION_NOT_FOUND',
    requestId: 'r',
  });
});

test('a server without a WebSocket is read by the other ways, and is not asked again for a while', async () => {
  for (const sockets of ['none', 'refuse'] as const) {
    await using fake = await FakeApi.start({ sockets, onExecute: lines(2) });
    const { sandbox } = await quickSandbox(fake);
    for (let i = 0; i < 3; i += 1) await sandbox.execute('code');
    expect(fake.count('createTicket')).toBe(1);
    expect(fake.count('executeCode')).toBe(3);
  }
  await using fake = await FakeApi.start({ sockets: 'none', onExecute: lines(2) });
  const { sandbox } = await quickSandbox(fake, { shunMs: 0 });
  for (let i = 0; i < 3; i += 1) await sandbox.execute('code');
  expect(fake.count('createTicket')).toBe(3);
});

test('where the environment has no WebSocket, none is asked for', async () => {
  vi.stubGlobal('WebSocket', undefined);
  try {
    await using fake = await withSocket();
    const { sandbox } = await quickSandbox(fake);
    await sandbox.execute('code');
    expect(fake.count('createTicket')).toBe(0);
  } finally {
    vi.unstubAllGlobals();
  }
});

test('a way that was asked for by name is that one or an error', async () => {
  await using fake = await FakeApi.start({ sockets: 'none', streams: 'json', onExecute: lines(1) });
  for (const transport of ['websocket', 'sse'] as const) {
    const { sandbox } = await quickSandbox(fake, {}, { transport });
    const error: unknown = await sandbox.execute('code').catch((error: unknown) => error);
    expect(error).toBeInstanceOf(ConnectionError);
    expect(String(error)).toContain(`by ${transport}`);
  }
  Object.assign(fake.behaviour, { sockets: 'on', streams: 'on' });
  const before = fake.seen.length;
  const { sandbox } = await quickSandbox(fake, {}, { transport: 'poll' });
  await sandbox.execute('code');
  expect(fake.seen.slice(before).map(({ operation }) => operation)).toEqual([
    'getSandbox',
    'executeCode',
    'readEvents',
  ]);
  expect(fake.socket.opened).toBe(0);
});

test('a connection that is cut again and again without an event is left for a stream', async () => {
  await using fake = await withSocket({
    socketCuts: Array.from({ length: 99 }, () => 1),
    onExecute: lines(3),
  });
  const { sandbox } = await quickSandbox(fake);
  expect(await sandbox.execute('code')).toMatchObject({ outcome: 'ok', stdout: '0 x\n1 x\n2 x\n' });
  expect(fake.socket.opened).toBeLessThan(6);
  expect(fake.count('readEvents')).toBe(1);
});

test('a connection that the service closes is opened anew and read on', async () => {
  let running: FakeExecution | undefined;
  await using fake = await withSocket({
    onExecute: (execution) => {
      running = execution;
      execution.emit(started(execution), { type: 'stdout', text: 'a' });
    },
  });
  const { sandbox } = await quickSandbox(fake);
  const result = sandbox.execute('code', {
    onStdout: (text) => (text === 'a' ? fake.socket.shutdown() : undefined),
  });
  await vi.waitFor(() => expect(fake.socket.opened).toBe(2));
  running?.emit({ type: 'stdout', text: 'b' });
  running?.finish();
  expect(await result).toMatchObject({ stdout: 'ab' });
  expect(fake.count('readEvents')).toBe(0);
});

test('a reader that does not read holds a bounded part, and loses nothing', async () => {
  const text = 'y'.repeat(8_000);
  await using fake = await withSocket({ onExecute: lines(150, text), ackPatienceMs: 20 });
  const { sandbox } = await quickSandbox(fake);
  let seen = 0;
  for await (const event of sandbox.run('code')) {
    seen += 1;
    expect(event.seq).toBe(seen);
    if (event.seq !== 1 && event.seq !== 100) continue;
    // The server has sent all that it may, and waits for this reader.
    const { waits } = fake.socket;
    await vi.waitFor(() => expect(fake.socket.waits).toBe(waits + 1));
  }
  expect(seen).toBe(152);
  expect(fake.socket.mostUnacked).toBeLessThanOrEqual(fake.behaviour.windowBytes);
  expect(fake.socket.count('more')).toBe(fake.socket.waits);
});

test('an event that is too large for a message is read by REST, and the pushing goes on', async () => {
  await using fake = await withSocket({
    onExecute: (execution) => {
      const large = { type: 'result', main: true, data: { 'text/plain': 'z'.repeat(100_000) } };
      execution.emit(started(execution), large, { type: 'stdout', text: 'after' }, large);
      execution.finish();
    },
    pageSize: 1,
  });
  const { sandbox } = await quickSandbox(fake);
  const { results, stdout } = await sandbox.execute('code');
  expect(results.map(({ data }) => JSON.stringify(data?.['text/plain']).length - 2)).toEqual([
    100_000, 100_000,
  ]);
  expect(stdout).toBe('after');
  expect(fake.count('readEvents')).toBe(2);
});

test('code that is too large for a message goes by REST, and its events come by WebSocket', async () => {
  await using fake = await withSocket({ onExecute: lines(2) });
  const { sandbox } = await quickSandbox(fake);
  expect(await sandbox.execute('#'.repeat(30_000))).toMatchObject({ outcome: 'ok' });
  expect(fake.count('executeCode')).toBe(1);
  expect(fake.count('readEvents')).toBe(0);
  expect(fake.socket.count('subscribe')).toBe(1);
});

test('silence is asked about, and an execution that nothing is heard of is read anew', async () => {
  let running: FakeExecution | undefined;
  await using fake = await withSocket({
    onExecute: (execution) => {
      running = execution;
      execution.emit(started(execution));
    },
  });
  const { sandbox } = await quickSandbox(fake, { socketSilenceMs: 30 });
  const result = sandbox.execute('code');
  await vi.waitFor(() => expect(fake.socket.count('subscribe')).toBeGreaterThan(0));
  expect(fake.socket.count('system.ping')).toBeGreaterThan(0);
  expect(fake.socket.opened).toBe(1);
  running?.finish();
  expect(await result).toMatchObject({ outcome: 'ok' });
});

test('heartbeats keep the reading of silent code as it is', async () => {
  let running: FakeExecution | undefined;
  await using fake = await withSocket({
    heartbeatEachMs: 20,
    onExecute: (execution) => {
      running = execution;
      execution.emit(started(execution));
    },
  });
  const { sandbox } = await quickSandbox(fake, { socketSilenceMs: 500 });
  const result = sandbox.execute('code');
  const at = performance.now();
  await vi.waitFor(() => expect(performance.now() - at).toBeGreaterThan(1_200), 5_000);
  running?.finish();
  await result;
  expect(fake.socket.received.map(({ type }) => type)).not.toContain('subscribe');
  expect(fake.socket.count('system.ping')).toBe(0);
});

test('a server that does not answer is a dead connection', async () => {
  await using fake = await withSocket({ onExecute: lines(1) });
  const { api, sandbox } = await quickSandbox(fake, { socketAnswerMs: 50 });
  await sandbox.execute('code');
  fake.behaviour.deaf = true;
  const lost = api.socket.subscribe(
    [...fake.executions.keys()][0]!,
    0,
    new AbortController().signal,
  );
  await expect((await lost).batches(() => Promise.resolve([])).next()).rejects.toThrow(
    'not answered',
  );
  fake.behaviour.deaf = false;
  expect(await sandbox.execute('code')).toMatchObject({ outcome: 'ok' });
});

test('aborting interrupts the code; leaving the loop leaves it alone', async () => {
  await using fake = await withSocket({
    onExecute: (execution) => execution.emit(started(execution), { type: 'stdout', text: 'a' }),
  });
  const { sandbox } = await quickSandbox(fake);
  for await (const event of sandbox.run('code')) if (event.type === 'stdout') break;
  await vi.waitFor(() => expect(fake.socket.count('unsubscribe')).toBe(1));
  expect(fake.count('interrupt')).toBe(0);
  const aborting = new AbortController();
  const reason = new Error('enough');
  const run = sandbox.execute('code', {
    signal: aborting.signal,
    onStdout: () => aborting.abort(reason),
  });
  await expect(run).rejects.toBe(reason);
  expect(fake.count('interrupt')).toBe(1);
});

test('two readers of one execution both get all of it', async () => {
  let running: FakeExecution | undefined;
  await using fake = await withSocket({
    onExecute: (execution) => {
      running = execution;
      execution.emit(started(execution), { type: 'stdout', text: 'a' });
    },
  });
  const { sandbox } = await quickSandbox(fake);
  const run = () => sandbox.execute('code', { idempotencyKey: 'same' });
  const both = [run(), run()];
  await vi.waitFor(() => expect(fake.count('readEvents')).toBeGreaterThan(0));
  running?.emit({ type: 'stdout', text: 'b' });
  running?.finish();
  for (const { stdout } of await Promise.all(both)) expect(stdout).toBe('ab');
  expect(fake.executions.size).toBe(1);
});
