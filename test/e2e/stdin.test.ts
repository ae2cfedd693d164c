/** Code that asks while it runs, and is answered: over REST, and over the WebSocket. */
import { CodeInterpreter } from '@code-interpreter/sdk';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { api, createSandbox, type TestSandbox, target, untilFinished } from '../helpers/api.ts';
import { expectRefusal } from '../helpers/refusals.ts';
import { connectSocket } from '../helpers/socket.ts';

let sandbox: TestSandbox;
beforeAll(async () => {
  sandbox = await createSandbox();
});
afterAll(() => sandbox[Symbol.asyncDispose]());

const start = async (code: string, options = {}): Promise<string> => {
  const answer = await api(`/sandboxes/${sandbox.id}/execute`, {
    body: { code, keepStdinOpen: true, ...options },
    headers: { Prefer: 'respond-async' },
  });
  expect(answer.status).toBe(202);
  return answer.json.data.id;
};
const write = (id: string, body: Record<string, unknown>) =>
  api(`/executions/${id}/stdin`, { body });

test('a question of the code is answered over REST while it runs', async () => {
  const id = await start('print("hello", input("name? "))\nprint(input())');
  for (let after = 0, said = ''; !said.includes('name? '); ) {
    const page = (await api(`/executions/${id}/events?after=${after}&waitMs=20000`)).json.data;
    after = page.nextCursor;
    for (const event of page.items) if (event.type === 'stdout') said += event.text;
  }
  const first = { seq: 1, text: 'Zoë\n' };
  for (let again = 0; again < 2; again += 1)
    expect(await write(id, first)).toMatchObject({
      status: 202,
      json: { success: true, data: { executionId: id, nextSeq: 2 } },
    });
  expect((await write(id, { seq: 2, text: 'bye', close: true })).status).toBe(202);
  expect(await untilFinished(id)).toMatchObject({
    outcome: 'ok',
    stdout: 'name? hello Zoë\nbye\n',
  });
  expectRefusal(await write(id, { seq: 3, text: '' }), 'INVALID_SANDBOX_STATE');
});

test('what cannot be taken is refused: a gap too far, code that never asked for it, no such execution', async () => {
  const id = await start('input()');
  expectRefusal(await write(id, { seq: 66, text: 'x' }), 'RESOURCE_LIMIT_ERROR', 'seq');
  expectRefusal(await write(id, { seq: 0, text: 'x' }), 'VALIDATION_ERROR', 'seq');
  expect((await write(id, { seq: 1, text: '', close: true })).status).toBe(202);
  expectRefusal(await write(id, { seq: 2, text: 'x' }), 'INVALID_SANDBOX_STATE');
  const closed = await start('import time; time.sleep(20)', { keepStdinOpen: false });
  expectRefusal(await write(closed, { seq: 1, text: 'x' }), 'INVALID_SANDBOX_STATE');
  await api(`/executions/${closed}`, { method: 'DELETE' });
  expectRefusal(
    await write('ex00000000000000000000', { seq: 1, text: 'x' }),
    'EXECUTION_NOT_FOUND',
  );
});

test('parts that come out of order over the WebSocket are read in order', async () => {
  using socket = await connectSocket();
  const payload = {
    sandboxId: sandbox.id,
    code: 'import sys; print(sys.stdin.read())',
    keepStdinOpen: true,
  };
  const { executionId } = await socket.ask('execution.start', payload, 'execution.start');
  const parts = [
    { seq: 3, text: 'c', close: true },
    { seq: 1, text: 'a' },
    { seq: 2, text: 'b' },
  ];
  const acks = await Promise.all(
    parts.map((part) => socket.ask('execution.stdin', { executionId, ...part }, 'ack')),
  );
  expect(Math.max(...acks.map(({ nextSeq }) => nextSeq ?? 0))).toBe(4);
  await socket.complete(executionId);
  expect((await api(`/executions/${executionId}`)).json.data.stdout).toBe('abc\n');
});

test('the SDK numbers what is written, and closes', async () => {
  const client = new CodeInterpreter({ baseUrl: target.baseUrl, apiKey: target.apiKey });
  const handle = await client.getSandbox(sandbox.id);
  const code = 'import sys; print(input()); print(sys.stdin.read())';
  let stdout = '';
  for await (const event of handle.run(code, { keepStdinOpen: true })) {
    if (event.type === 'stdout') stdout += event.text;
    if (event.type !== 'started') continue;
    const stdin = handle.stdin(event.executionId);
    await Promise.all([stdin.write('a\n'), stdin.write('b'), stdin.close('c')]);
    await expect(stdin.write('d')).rejects.toMatchObject({ code: 'INVALID_SANDBOX_STATE' });
  }
  expect(stdout).toBe('a\nbc\n');
});
