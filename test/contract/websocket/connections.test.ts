import {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  GetConnectionCommand,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Client, connect, type SocketFixture, socketRoute, startSockets } from './fixture.ts';

const KB = 1024;
const UNKNOWN = 'AAAAAAAAAAAAAAA=';

let api: SocketFixture;

beforeAll(async () => {
  api = await startSockets({
    handlers: { id: 'return { statusCode: 200, body: event.requestContext.connectionId };' },
    routes: [socketRoute('$default', 'id', { responds: true })],
  });
});

afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

async function open(): Promise<{ client: Client; ConnectionId: string } & AsyncDisposable> {
  const client = await connect(api.url);
  client.send('');
  const ConnectionId = await client.next();
  return { client, ConnectionId, [Symbol.asyncDispose]: () => client[Symbol.asyncDispose]() };
}

const post = (ConnectionId: string, Data: string | Uint8Array) =>
  api.connections.send(new PostToConnectionCommand({ ConnectionId, Data }));
const get = (ConnectionId: string) =>
  api.connections.send(new GetConnectionCommand({ ConnectionId }));

describe('a post', () => {
  it('arrives as it is, in the order of its answers', async () => {
    await using connection = await open();
    const { client, ConnectionId } = connection;
    for (const text of ['ä€😀', '{"a":1}', 'x'.repeat(32 * KB)]) await post(ConnectionId, text);
    expect(await client.next()).toBe('ä€😀');
    expect(await client.next()).toBe('{"a":1}');
    expect(await client.next()).toHaveLength(32 * KB);
  });

  it('comes as text where it is UTF-8, else as bytes', async () => {
    await using connection = await open();
    const kinds: boolean[] = [];
    connection.client.socket.on('message', (_data, isBinary) => kinds.push(isBinary));
    await post(connection.ConnectionId, 'text');
    await post(connection.ConnectionId, new Uint8Array([0xff]));
    await connection.client.next();
    await connection.client.next();
    expect(kinds).toEqual([false, true]);
  });

  it('of more than a frame holds closes the connection', async () => {
    await using connection = await open();
    await post(connection.ConnectionId, 'x'.repeat(32 * KB + 1));
    expect((await connection.client.closed).code).toBe(1009);
  });

  it('of more than a message holds is refused, and the connection stays', async () => {
    await using connection = await open();
    await expect(post(connection.ConnectionId, 'x'.repeat(128 * KB + 1))).rejects.toMatchObject({
      name: 'PayloadTooLargeException',
      $metadata: { httpStatusCode: 413 },
    });
    await post(connection.ConnectionId, 'still there');
    expect(await connection.client.next()).toBe('still there');
  });

  it('to a client that does not read succeeds until its buffer is full, and again when it reads', async () => {
    await using connection = await open();
    const { client, ConnectionId } = connection;
    client.socket.pause();
    const message = 'x'.repeat(32 * KB);
    let posted = 0;
    const full = async (): Promise<unknown> => {
      for (;;) {
        const error = await post(ConnectionId, message).catch((error: unknown) => error);
        if (error instanceof Error) return error;
        posted += 1;
      }
    };
    expect(await full()).toMatchObject({
      name: 'LimitExceededException',
      $metadata: { httpStatusCode: 429 },
    });
    client.socket.resume();
    for (let read = 0; read < posted; read += 1) await client.next();
    await post(ConnectionId, 'again');
    expect(await client.next()).toBe('again');
  });

  it.each([
    ['that never was', UNKNOWN, 'GoneException', 410],
    ['whose id is none', 'nobody', 'BadRequestException', 400],
    ['of a path', '../../other', 'BadRequestException', 400],
  ])('to a connection %s is refused', async (_what, id, name, httpStatusCode) => {
    await expect(post(id, 'x')).rejects.toMatchObject({ name, $metadata: { httpStatusCode } });
  });

  it('to a connection that has ended is gone', async () => {
    const { client, ConnectionId } = await open();
    client.socket.close();
    await client.closed;
    await expect(post(ConnectionId, 'x')).rejects.toMatchObject({ name: 'GoneException' });
    await expect(get(ConnectionId)).rejects.toMatchObject({ name: 'GoneException' });
  });

  it('counts as activity', async () => {
    await using connection = await open();
    const before = await get(connection.ConnectionId);
    await post(connection.ConnectionId, 'x');
    const after = await get(connection.ConnectionId);
    expect(after.ConnectedAt).toEqual(before.ConnectedAt);
    expect(Number(after.LastActiveAt)).toBeGreaterThanOrEqual(Number(before.LastActiveAt));
    expect(Number(after.LastActiveAt)).toBeGreaterThan(Number(after.ConnectedAt));
  });
});

it('a connection is ended by its deletion', async () => {
  await using connection = await open();
  const command = new DeleteConnectionCommand({ ConnectionId: connection.ConnectionId });
  await api.connections.send(command);
  expect((await connection.client.closed).code).toBe(1000);
  await expect(api.connections.send(command)).rejects.toMatchObject({ name: 'GoneException' });
});

it('who does not sign as someone known is refused before a connection is looked for', async () => {
  await using connection = await open();
  const { endpoint } = api.connections.config;
  const at = await endpoint?.();
  const stranger = new ApiGatewayManagementApiClient({
    endpoint: `http://127.0.0.1:${at?.port}${at?.path}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'AKIA', secretAccessKey: 'guess' },
    maxAttempts: 1,
  });
  const { ConnectionId } = connection;
  await expect(
    stranger.send(new PostToConnectionCommand({ ConnectionId, Data: 'x' })),
  ).rejects.toMatchObject({ name: 'UnrecognizedClientException' });
});

it('another stage has no connections', async () => {
  await using connection = await open();
  const at = await api.connections.config.endpoint?.();
  const elsewhere = new ApiGatewayManagementApiClient({
    endpoint: `http://127.0.0.1:${at?.port}/other`,
    region: 'us-east-1',
    credentials: await api.connections.config.credentials(),
    maxAttempts: 1,
  });
  const { ConnectionId } = connection;
  await expect(
    elsewhere.send(new PostToConnectionCommand({ ConnectionId, Data: 'x' })),
  ).rejects.toMatchObject({ name: 'ForbiddenException' });
});
