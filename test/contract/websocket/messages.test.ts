import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Client, connect, type SocketFixture, socketRoute, startSockets } from './fixture.ts';

const answerRoute = 'return { statusCode: 200, body: event.requestContext.routeKey };';

let api: SocketFixture;
let client: Client;

beforeAll(async () => {
  api = await startSockets({
    handlers: {
      answerRoute,
      echo: 'return { statusCode: 200, body: JSON.stringify(event) };',
      silent: 'return { statusCode: 200, body: "nobody hears this" };',
      pair: `
        const { own, other } = JSON.parse(event.body);
        note(own, 1);
        await noted(other);
        return { statusCode: 200, body: own };`,
      throws: 'throw new Error("broken");',
      nonsense: 'return "yes";',
      late: 'await new Promise(() => setInterval(() => {}, 1000));',
      refuses: 'return { statusCode: 500, body: "by the function" };',
    },
    routes: [
      ...['run', '7', 'true'].map((key) => socketRoute(key, 'answerRoute', { responds: true })),
      socketRoute('echo', 'echo', { responds: true }),
      socketRoute('silent', 'silent'),
      socketRoute('pair', 'pair', { responds: true }),
      socketRoute('throws', 'throws'),
      socketRoute('nonsense', 'nonsense'),
      socketRoute('late', 'late', { timeoutMs: 50 }),
      socketRoute('refuses', 'refuses', { responds: true }),
      socketRoute('nowhere', 'no-such-function'),
      socketRoute('$connect', 'silent'),
      socketRoute('$default', 'answerRoute', { responds: true }),
    ],
  });
  client = await connect(api.url);
});

afterAll(async () => {
  await client[Symbol.asyncDispose]();
  await api[Symbol.asyncDispose]();
});

describe('a message', () => {
  it.each([
    ['its type', '{"type":"run"}', 'run'],
    ['a number', '{"type":7}', '7'],
    ['a truth', '{"type":true}', 'true'],
    ['a type that no route has', '{"type":"nope"}', '$default'],
    ['no type', '{"kind":"run"}', '$default'],
    ['a type of another kind', '{"type":{"a":1}}', '$default'],
    ['a name of every object', '{"type":"constructor"}', '$default'],
    ['a list', '[{"type":"run"}]', '$default'],
    ['text that is no JSON', 'type=run', '$default'],
    ['nothing at all', '', '$default'],
    ['the route of connecting', '{"type":"$connect"}', '$default'],
  ])('with %s goes where it belongs', async (_what, text, routeKey) => {
    client.send(text);
    expect(await client.next()).toBe(routeKey);
  });

  it('comes whole, and without the handshake’s headers and query', async () => {
    const text = '{ "type": "echo", "text": "ä€😀" }';
    client.send(text);
    const event = await client.nextJson();
    expect(Object.keys(event).sort()).toEqual(['body', 'isBase64Encoded', 'requestContext']);
    expect(event.body).toBe(text);
    expect(event.requestContext).toMatchObject({
      routeKey: 'echo',
      eventType: 'MESSAGE',
      messageId: expect.stringMatching(/^[\w-]{15}=$/),
      connectionId: expect.stringMatching(/^[\w-]{15}=$/),
      requestId: expect.stringMatching(/^[\w-]{15}=$/),
      connectedAt: expect.any(Number),
      identity: { sourceIp: '127.0.0.1' },
    });
  });

  it('has an id of its own, and its connection the same one as before', async () => {
    client.send({ type: 'echo' });
    client.send({ type: 'echo' });
    const [a, b] = [await client.nextJson(), await client.nextJson()].map(
      ({ requestContext }) => requestContext,
    );
    expect(a.messageId).not.toBe(b.messageId);
    expect(a.connectionId).toBe(b.connectionId);
  });

  it('does not wait for the one before it', async () => {
    client.send({ type: 'pair', own: 'a', other: 'b' });
    client.send({ type: 'pair', own: 'b', other: 'a' });
    expect([await client.next(), await client.next()].sort()).toEqual(['a', 'b']);
  });

  it('on a route without a response is answered by nobody', async () => {
    client.send({ type: 'silent' });
    client.send({ type: 'run' });
    expect(await client.next()).toBe('run');
  });

  it('is answered with the function’s body whatever its status', async () => {
    client.send({ type: 'refuses' });
    expect(await client.next()).toBe('by the function');
  });

  it.each([
    ['throws', 'Internal server error'],
    ['nonsense', 'Internal server error'],
    ['nowhere', 'Internal server error'],
    ['late', 'Endpoint request timed out'],
  ])('whose function %s is answered by API Gateway itself', async (type, message) => {
    client.send({ type });
    expect(await client.nextJson()).toEqual({
      message,
      connectionId: expect.any(String),
      requestId: expect.any(String),
    });
  });

  it('is counted by its route', () => {
    expect(api.counted).toContain('$connect');
    expect(api.counted.filter((routeKey) => routeKey === 'pair')).toHaveLength(2);
  });
});

it('without a route and a default is forbidden, and the connection stays', async () => {
  await using bare = await startSockets({
    handlers: { answerRoute },
    routes: [socketRoute('run', 'answerRoute', { responds: true })],
    routeSelection: ['message', 'type'],
  });
  await using client = await connect(bare.url);
  client.send({ type: 'run' });
  expect(await client.nextJson()).toEqual({
    message: 'Forbidden',
    connectionId: expect.any(String),
    requestId: expect.any(String),
  });
  client.send({ message: { type: 'run' } });
  expect(await client.next()).toBe('run');
});
