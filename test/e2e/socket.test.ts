/** Running and watching code over the WebSocket. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Event } from '../../contract/events.ts';
import { api, createSandbox, type TestSandbox } from '../helpers/api.ts';
import { connectSocket } from '../helpers/socket.ts';

let sandbox: TestSandbox;
beforeAll(async () => {
  sandbox = await createSandbox();
});
afterAll(() => sandbox[Symbol.asyncDispose]());

const stdoutOf = (events: readonly Event[]) =>
  events.map((event) => (event.type === 'stdout' ? event.text : '')).join('');

test('execution.start runs code, and its connection gets every event and the end', async () => {
  using socket = await connectSocket();
  const payload = { sandboxId: sandbox.id, code: 'print("hello")\n1 + 1' };
  const { executionId } = await socket.ask('execution.start', payload, 'execution.start');
  const { payload: end } = await socket.complete(executionId);
  const events = socket.events(executionId);
  expect(events.map(({ type }) => type)).toEqual(['started', 'stdout', 'result', 'finished']);
  expect(stdoutOf(events)).toBe('hello\n');
  expect(end).toMatchObject({ lastSeq: 4, outcome: 'ok', exitCode: 0 });
  expect((await api(`/executions/${executionId}`)).json.data).toMatchObject({
    status: 'finished',
    lastSeq: 4,
  });
});

test('execution.start again with the same id starts nothing, and is answered the same', async () => {
  using first = await connectSocket();
  using second = await connectSocket();
  const id = randomUUID();
  const payload = { sandboxId: sandbox.id, code: 'import uuid; print(uuid.uuid4())' };
  first.send('execution.start', payload, { id });
  const { executionId } = await first.answer(id, 'execution.start');
  await first.complete(executionId);
  second.send('execution.start', payload, { id });
  expect(await second.answer(id, 'execution.start')).toMatchObject({ executionId });
  await second.complete(executionId);
  expect(second.events(executionId)).toEqual(first.events(executionId));
  second.send('execution.start', { ...payload, code: '2' }, { id });
  const { payload: refused } = await second.hear(({ type }) => type === 'error');
  expect(refused).toMatchObject({ error: { code: 'IDEMPOTENCY_CONFLICT' } });
});
