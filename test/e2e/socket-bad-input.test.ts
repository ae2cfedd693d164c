/** What the WebSocket refuses: who may not come in, and messages that are none. */
import { expect, test } from 'vitest';
import { api } from '../helpers/api.ts';
import { account } from '../helpers/refusals.ts';
import { connectSocket } from '../helpers/socket.ts';

const NOWHERE = `sb${'0'.repeat(20)}`;

test('nobody comes in without a key or a ticket that holds', async () => {
  await expect(connectSocket({ apiKey: null })).rejects.toThrow('401');
  await expect(connectSocket({ apiKey: `ci_${'0'.repeat(40)}` })).rejects.toThrow('401');
  await expect(connectSocket({ ticket: 'nonsense' })).rejects.toThrow('401');
});

test('a ticket lets one connection in, once', async () => {
  const { ticket } = (await api('/tickets', { method: 'POST' })).json.data;
  using socket = await connectSocket({ ticket });
  await socket.ask('system.ping', {}, 'system.pong');
  await expect(connectSocket({ ticket })).rejects.toThrow('401');
});

test('what is no message is told so, and the connection lives on', async () => {
  using socket = await connectSocket();
  for (const raw of ['hello', '{"type":', '[]', 'null', '{"id":7}', '{"__proto__":1}']) {
    const before = socket.heard.length;
    socket.socket.send(raw);
    await socket.hear((message) => socket.heard.indexOf(message) >= before);
    expect(socket.heard[before]).toMatchObject({
      type: 'error',
      payload: { error: { code: 'VALIDATION_ERROR', retryable: false } },
    });
  }
  await socket.ask('system.ping', {}, 'system.pong');
});

test('a message of an unknown type, version or shape is refused by name', async () => {
  using socket = await connectSocket();
  const refusal = async (type: string, payload: unknown, envelope = {}) =>
    (await socket.answer(socket.send(type, payload, envelope), 'error')).error.message;
  expect(await refusal('execution.stop', {})).toMatch(/type must be one of execution\.start/);
  expect(await refusal('system.ping', {}, { version: '9' })).toMatch(/version/);
  expect(await refusal('system.ping', {}, { colour: 'red' })).toMatch(
    /colour is not a known field/,
  );
  expect(await refusal('system.ping', { x: 1 })).toMatch(/x is not a known field/);
  expect(await refusal('subscribe', {})).toMatch(/executionId/);
  expect(await refusal('ack', { executionId: NOWHERE, seq: 1 })).toMatch(/executionId/);
  expect(await refusal('subscribe', { sandboxId: NOWHERE })).toMatch(/There is no sandbox/);
});

test('a viewer watches and starts nothing', async () => {
  const { tenantId } = await account({ action: 'createTenant', name: 'viewed' });
  const viewer = { action: 'createKey', tenantId, role: 'viewer', name: 'viewer' };
  const { apiKey } = await account(viewer);
  using socket = await connectSocket({ apiKey });
  const start = { sandboxId: NOWHERE, code: '1' };
  const { error } = await socket.ask('execution.start', start, 'error');
  expect(error.code).toBe('PERMISSION_DENIED');
  const other = await socket.ask('subscribe', { sandboxId: NOWHERE }, 'error');
  expect(other.error.code).toBe('SANDBOX_NOT_FOUND');
});
