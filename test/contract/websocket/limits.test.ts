import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Client, connect, type SocketFixture, socketRoute, startSockets } from './fixture.ts';

const FRAME = 32 * 1024;

const handlers = {
  length: 'return { statusCode: 200, body: String(event.body.length) };',
  silent: 'return { statusCode: 200 };',
};
const routes = [socketRoute('$default', 'length', { responds: true })];

let api: SocketFixture;

beforeAll(async () => {
  api = await startSockets({ handlers, routes });
});

afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

const messages = () => api.counted.filter((routeKey) => routeKey === '$default').length;

function sendInFrames({ socket }: Client, sizes: readonly number[]): void {
  for (const [index, size] of sizes.entries())
    socket.send('x'.repeat(size), { fin: index === sizes.length - 1 });
}

describe('sizes', () => {
  it('lets a frame of 32 KB pass, and a message of 128 KB in four of them', async () => {
    await using client = await connect(api.url);
    sendInFrames(client, [FRAME]);
    expect(await client.next()).toBe(String(FRAME));
    sendInFrames(client, [FRAME, FRAME, FRAME, FRAME]);
    expect(await client.next()).toBe(String(4 * FRAME));
  });

  it.each([
    ['a frame of a byte more', [FRAME + 1]],
    ['a frame of 100 KB', [100_000]],
    ['a last frame of a byte more', [10, FRAME + 1]],
    ['a message of a byte more than 128 KB', [FRAME, FRAME, FRAME, FRAME, 1]],
  ])('closes with 1009 at %s, and runs nothing', async (_what, sizes) => {
    const before = messages();
    await using client = await connect(api.url);
    sendInFrames(client, sizes);
    // What comes behind is not read either.
    client.send('behind');
    expect((await client.closed).code).toBe(1009);
    expect(messages()).toBe(before);
  });

  it('closes with 1003 at a binary frame', async () => {
    const before = messages();
    await using client = await connect(api.url);
    client.socket.send(Buffer.from('{}'));
    expect((await client.closed).code).toBe(1003);
    expect(messages()).toBe(before);
  });

  it('closes with 1007 at text that is no UTF-8', async () => {
    await using client = await connect(api.url);
    client.socket.send(Buffer.from([0xff, 0xfe]), { binary: false });
    expect((await client.closed).code).toBe(1007);
  });
});

describe('time', () => {
  it('closes with 1001 a connection that is silent, pings or not', async () => {
    await using quick = await startSockets({ handlers, routes, limits: { idleMs: 150 } });
    await using client = await connect(quick.url);
    const pings = setInterval(() => client.socket.ping(), 20);
    expect(await client.closed).toEqual({ code: 1001, reason: 'Going away' });
    clearInterval(pings);
  });

  it('counts silence anew from each message', async () => {
    const idleMs = 500;
    await using quick = await startSockets({ handlers, routes, limits: { idleMs } });
    await using client = await connect(quick.url);
    await new Promise((resolve) => setTimeout(resolve, idleMs / 3));
    client.send('x');
    const from = performance.now();
    await client.next();
    await client.closed;
    expect(performance.now() - from).toBeGreaterThan(idleMs - 20);
  });

  it('closes with 1001 a connection at the end of its life, busy or not', async () => {
    await using quick = await startSockets({ handlers, routes, limits: { lifeMs: 200 } });
    await using client = await connect(quick.url);
    const messages = setInterval(() => client.send('x'), 20);
    expect((await client.closed).code).toBe(1001);
    clearInterval(messages);
  });

  it('cuts a client that does not answer its good-bye', async () => {
    await using quick = await startSockets({
      handlers,
      routes,
      limits: { idleMs: 50, closeMs: 50 },
    });
    const { hostname, port } = new URL(quick.url);
    const socket = connectTcp(Number(port), hostname);
    socket.write(
      `GET /ws HTTP/1.1\r\nHost: ${hostname}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}\r\n\r\n`,
    );
    socket.resume();
    await once(socket, 'close');
  });
});

it('a burst of clients comes and goes by few workers', async () => {
  await using burst = await startSockets({
    handlers: {
      ...handlers,
      gone: `note('gone-' + event.requestContext.connectionId, 1); return { statusCode: 200 };`,
    },
    routes: [socketRoute('$connect', 'silent'), socketRoute('$disconnect', 'gone')],
  });
  const clients = await Promise.all(Array.from({ length: 40 }, () => connect(burst.url)));
  for (const client of clients) client.socket.close();
  await Promise.all(clients.map(({ closed }) => closed));
  await burst.api.close(10_000);
  const states = burst.lambda.functions().filter(({ invocations }) => invocations > 0);
  expect(states.map(({ invocations }) => invocations)).toEqual([40, 40]);
  for (const { inits } of states) expect(inits).toBeLessThanOrEqual(16);
});

it('a ping is answered with its own text', async () => {
  await using client = await connect(api.url);
  client.socket.ping('hello');
  const [text] = await once(client.socket, 'pong');
  expect(String(text)).toBe('hello');
});

describe('a shutdown', () => {
  it('tells clients that it goes away, lets $disconnect run, and takes no more', async () => {
    const ending = await startSockets({
      handlers: {
        ...handlers,
        disconnect: `note('end', event); return { statusCode: 200 };`,
      },
      routes: [...routes, socketRoute('$disconnect', 'disconnect')],
    });
    const client = await connect(ending.url);
    await ending.lambda.prewarm('disconnect', 1);
    const closing = ending.api.close(5_000);
    expect(await client.closed).toEqual({ code: 1001, reason: 'Going away' });
    await closing;
    const { requestContext } = await ending.noted('end');
    expect(requestContext).toMatchObject({ disconnectStatusCode: 1001 });
    await expect(connect(ending.url)).rejects.toThrow();
    await ending[Symbol.asyncDispose]();
  });

  it('does not wait for a handshake whose $connect runs on', async () => {
    const ending = await startSockets({
      handlers: { wait: `note('begun', event); await noted('never');` },
      routes: [socketRoute('$connect', 'wait')],
    });
    const client = connect(ending.url);
    client.catch(() => {});
    await ending.noted('begun');
    await ending.api.close();
    await expect(client).rejects.toThrow();
    await ending[Symbol.asyncDispose]();
  });
});
