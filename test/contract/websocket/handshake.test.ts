import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { GetConnectionCommand } from '@aws-sdk/client-apigatewaymanagementapi';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  Client,
  connect,
  refused,
  type SocketFixture,
  socketRoute,
  startSockets,
} from './fixture.ts';

/** One authorizer that does what the query asks of it. */
const authorizer = `
  const asked = event.queryStringParameters.as;
  if (asked === 'unauthorized') throw new Error('Unauthorized');
  if (asked === 'broken') throw new Error('broken');
  const Effect = asked === 'denied' ? 'Deny' : 'Allow';
  const Resource = asked === 'other' ? 'arn:aws:execute-api:*:*:*/ws/$default' : event.methodArn;
  return {
    principalId: 'p',
    policyDocument: { Statement: [{ Action: 'execute-api:Invoke', Effect, Resource }] },
    context: { tenantId: 't1', count: 3, event: JSON.stringify(event) },
  };`;

/** `$connect` that does so too, and notes its event. */
const connectFunction = `
  const { then, name, wait } = event.queryStringParameters;
  if (name) note(name, event);
  if (wait) await noted(name + '-go');
  if (then === 'throws') throw new Error('broken');
  if (then === 'nonsense') return 'yes';
  if (then === 'protocol') return { statusCode: 200, headers: { 'Sec-WebSocket-Protocol': 'b' } };
  return { statusCode: Number(then ?? 200) };`;

let api: SocketFixture;

beforeAll(async () => {
  api = await startSockets({
    handlers: {
      authorizer,
      connect: connectFunction,
      disconnect: `note('end-' + event.requestContext.connectionId, event); return { statusCode: 200 };`,
      echo: 'return { statusCode: 200, body: JSON.stringify(event) };',
    },
    routes: [
      socketRoute('$connect', 'connect', {
        authorizer: 'authorizer',
        identitySources: [{ place: 'querystring', name: 'as' }],
      }),
      socketRoute('$disconnect', 'disconnect'),
      socketRoute('$default', 'echo', { responds: true }),
    ],
  });
});

afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

const ids = {
  connectionId: expect.stringMatching(/^[\w-]{15}=$/),
  requestId: expect.stringMatching(/^[\w-]{15}=$/),
};

describe('a handshake', () => {
  it('shows its headers, query and origin to $connect, in one form and in lists', async () => {
    await using _client = await connect(`${api.url}?as=ok&name=shown&a=1&a=2`, {
      headers: { 'X-API-Key': 'ci_1' },
      origin: 'https://elsewhere.example',
    });
    const event = await api.noted('shown');
    expect(event).toMatchObject({
      headers: { 'X-API-Key': 'ci_1', Origin: 'https://elsewhere.example' },
      multiValueHeaders: { 'X-API-Key': ['ci_1'] },
      queryStringParameters: { a: '2' },
      multiValueQueryStringParameters: { a: ['1', '2'] },
      isBase64Encoded: false,
    });
    expect(event.requestContext).toMatchObject({
      ...ids,
      routeKey: '$connect',
      eventType: 'CONNECT',
      messageDirection: 'IN',
      stage: 'ws',
      apiId: 'ws12345678',
      domainName: new URL(api.url).host,
      connectedAt: expect.any(Number),
      identity: { sourceIp: '127.0.0.1' },
    });
  });

  it('asks the authorizer for the ARN of $connect, and keeps what it says for later events', async () => {
    await using client = await connect(`${api.url}?as=ok`);
    client.send({ type: 'x' });
    const { requestContext } = await client.nextJson();
    expect(requestContext.authorizer).toMatchObject({
      principalId: 'p',
      tenantId: 't1',
      count: '3',
      integrationLatency: expect.any(Number),
    });
    expect(JSON.parse(requestContext.authorizer.event)).toMatchObject({
      type: 'REQUEST',
      methodArn: 'arn:aws:execute-api:us-east-1:000000000000:ws12345678/ws/$connect',
      queryStringParameters: { as: 'ok' },
    });
  });

  it.each([
    ['without an identity source', '', 401, 'Unauthorized'],
    ['with an empty one', '?as=', 401, 'Unauthorized'],
    ['that the authorizer does not know', '?as=unauthorized', 401, 'Unauthorized'],
    ['that it denies', '?as=denied', 403, /explicit deny/],
    ['that it allows something else', '?as=other', 403, /not authorized/],
    ['whose authorizer fails', '?as=broken', 500, 'Internal server error'],
    ['that $connect refuses', '?as=ok&then=402', 402, 'Payment Required'],
    ['that $connect answers with another success', '?as=ok&then=204', 204, 'No Content'],
    ['whose $connect fails', '?as=ok&then=throws', 502, 'Internal server error'],
    ['whose $connect answers nonsense', '?as=ok&then=nonsense', 502, 'Internal server error'],
  ])('%s is refused', async (_what, query, status, message) => {
    // A client reads no body of a 204, so this one is asked for its status only.
    if (status === 204) {
      const client = new Client(`${api.url}${query}`);
      expect((await once(client.socket, 'unexpected-response'))[1].statusCode).toBe(204);
      return;
    }
    expect(await refused(`${api.url}${query}`)).toEqual([
      status,
      { ...ids, message: message instanceof RegExp ? expect.stringMatching(message) : message },
    ]);
  });

  it('agrees on the subprotocol that $connect names, and on none by itself', async () => {
    await using named = await connect(`${api.url}?as=ok&then=protocol`, { protocols: ['a', 'b'] });
    expect(named.socket.protocol).toBe('b');
    const none = new Client(`${api.url}?as=ok`, { protocols: ['a'] });
    const [error] = await once(none.socket, 'error');
    expect(String(error)).toMatch(/subprotocol/i);
  });

  it('makes no connection before $connect has returned', async () => {
    const client = new Client(`${api.url}?as=ok&wait=1&name=slow`);
    const { requestContext } = await api.noted('slow');
    const ConnectionId: string = requestContext.connectionId;
    const get = () => api.connections.send(new GetConnectionCommand({ ConnectionId }));
    await expect(get()).rejects.toMatchObject({ name: 'GoneException' });
    await api.note('slow-go', {});
    await client.opened();
    expect((await get()).Identity).toMatchObject({ SourceIp: '127.0.0.1' });
    await client[Symbol.asyncDispose]();
  });

  it('that the client breaks off after $connect has begun ends with $disconnect', async () => {
    const client = new Client(`${api.url}?as=ok&wait=1&name=left`);
    const { requestContext } = await api.noted('left');
    client.socket.terminate();
    await api.note('left-go', {});
    const event = await api.noted(`end-${requestContext.connectionId}`);
    expect(event.requestContext.disconnectStatusCode).toBe(1006);
  });

  it('is for the stage’s path only', async () => {
    expect(await refused(`${api.url}/more?as=ok`)).toEqual([403, { message: 'Forbidden' }]);
    expect((await fetch(api.url.replace('ws:', 'http:'))).status).toBe(403);
  });

  it('of another protocol leaves a request what it is', async () => {
    const request = httpRequest(`${api.httpUrl}/nothing`, {
      headers: { Connection: 'Upgrade, HTTP2-Settings', Upgrade: 'h2c', 'HTTP2-Settings': '' },
    });
    request.end();
    const [response] = await once(request, 'response');
    expect(response.statusCode).toBe(403);
    expect((await response.toArray()).join('')).toContain('Missing Authentication Token');
  });
});

describe('the end of a connection', () => {
  it.each<[string, (client: Client) => void, number, string]>([
    ['with code and reason', ({ socket }) => socket.close(4001, 'done'), 4001, 'done'],
    [
      'without a code',
      ({ socket }) => socket.close(),
      1005,
      'Client-side close frame status not set',
    ],
    ['without a word', ({ socket }) => socket.terminate(), 1006, 'Connection Closed Abnormally'],
  ])('%s is told to $disconnect', async (_what, end, code, reason) => {
    const client = await connect(`${api.url}?as=ok`);
    client.send({ type: 'x' });
    const { requestContext } = await client.nextJson();
    end(client);
    const event = await api.noted(`end-${requestContext.connectionId}`);
    expect(event).not.toHaveProperty('body');
    expect(event.requestContext).toMatchObject({
      routeKey: '$disconnect',
      eventType: 'DISCONNECT',
      connectedAt: requestContext.connectedAt,
      authorizer: { tenantId: 't1' },
      disconnectStatusCode: code,
      disconnectReason: reason,
    });
  });
});
