/** Frames that no client of ours sends: the gateway or the function refuses them, and the service goes on. */
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { target } from '../helpers/api.ts';
import { connectSocket, type TestSocket } from '../helpers/socket.ts';

const FRAME_BYTES = 32 * 1024;

const codeOf = async ({ socket }: TestSocket): Promise<number> => (await once(socket, 'close'))[0];

const envelope = (id: string, type: string, payload: object): string =>
  JSON.stringify({ id, type, timestamp: 0, version: '1', source: 'test', payload });

async function expectServes(): Promise<void> {
  using another = await connectSocket();
  await another.ask('system.ping', {}, 'system.pong');
}

describe('a connection is closed', () => {
  test.each<[string, number, (socket: WebSocket) => void]>([
    ['1009 at a frame over 32 KB', 1009, (socket) => socket.send('x'.repeat(FRAME_BYTES + 1))],
    [
      '1009 at a message over 128 KB in small frames',
      1009,
      (socket) => {
        for (let sent = 0; sent < 5; sent += 1)
          socket.send('x'.repeat(FRAME_BYTES), { fin: sent === 4 });
      },
    ],
    ['1003 at a binary frame', 1003, (socket) => socket.send(Buffer.from('{}'))],
    [
      '1007 at text that is no UTF-8',
      1007,
      (socket) => socket.send(Buffer.from([0xc3, 0x28]), { binary: false }),
    ],
    // The library has no way to send these.
    ['1002 at reserved bits', 1002, (socket) => rawFrame(socket, [0xf1, 0x80, 0, 0, 0, 0])],
    ['1002 at a frame without a mask', 1002, (socket) => rawFrame(socket, [0x81, 0x01, 0x78])],
  ])('with %s, and others are served', async (_what, code, send) => {
    using client = await connectSocket();
    const closed = codeOf(client);
    send(client.socket);
    expect(await closed).toBe(code);
    await expectServes();
  });
});

function rawFrame(socket: WebSocket, bytes: readonly number[]): void {
  (socket as unknown as { _socket: { write(data: Buffer): void } })._socket.write(
    Buffer.from(bytes),
  );
}

test('a message over 32 KB in frames that are not is refused by name, and the connection stays', async () => {
  using client = await connectSocket();
  const text = envelope('large', 'subscribe', { sandboxId: 'x'.repeat(FRAME_BYTES) });
  client.socket.send(text.slice(0, FRAME_BYTES), { fin: false });
  client.socket.send(text.slice(FRAME_BYTES), { fin: true });
  const refused = await client.hear(({ type }) => type === 'error');
  expect(refused.payload).toMatchObject({
    error: {
      code: 'PAYLOAD_TOO_LARGE',
      details: { bytes: text.length, allowedBytes: FRAME_BYTES },
    },
  });
  await client.ask('system.ping', {}, 'system.pong');
});

test('an empty message, and one sent in single characters, are read as what they are', async () => {
  using client = await connectSocket();
  client.socket.send('');
  const refused = await client.hear(({ type }) => type === 'error');
  expect(refused.payload).toMatchObject({ error: { code: 'VALIDATION_ERROR' } });
  const ping = envelope('slowly', 'system.ping', {});
  for (let at = 0; at < ping.length; at += 1)
    client.socket.send(ping.charAt(at), { fin: at === ping.length - 1 });
  await client.answer('slowly', 'system.pong');
});

test('what is no WebSocket of this stage is refused', async () => {
  const url = target.websocketUrl ?? '';
  const status = async (path: string, headers: Record<string, string>) => {
    const socket = new WebSocket(`${url}${path}`, { headers });
    socket.on('error', () => {});
    const [, response] = await once(socket, 'unexpected-response');
    response.destroy();
    return response.statusCode;
  };
  const key = { 'X-API-Key': target.apiKey };
  expect(await status('/more', key)).toBe(403);
  expect(await status('', {})).toBe(401);
  expect((await fetch(url.replace('ws', 'http'), { headers: key })).status).toBe(403);
});
