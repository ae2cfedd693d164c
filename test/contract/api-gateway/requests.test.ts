import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiFixture, echo, route, startApi } from './fixture.ts';

let api: ApiFixture;
let binary: ApiFixture;

beforeAll(async () => {
  api = await startApi({
    handlers: { echo, other: 'return { body: "other" };' },
    methods: [
      route('GET /v1/items', 'echo'),
      route('POST /v1/items', 'echo'),
      route('GET /v1/items/{itemId}', 'echo'),
      route('GET /v1/items/fixed', 'other'),
      route('ANY /v1/files/{path+}', 'echo'),
    ],
    gatewayResponses: {
      MISSING_AUTHENTICATION_TOKEN: {
        statusCode: 404,
        headers: {
          'Access-Control-Allow-Origin': "'*'",
          'X-Request-Id': 'context.requestId',
          'X-Sent': 'method.request.header.x-sent',
        },
        templates: {
          'application/json':
            '{"id":"$context.requestId","text":$context.error.messageString,"type":"$context.error.responseType"}',
        },
      },
    },
    stageVariables: { colour: 'red' },
  });
  binary = await startApi({
    handlers: {
      echo,
      bytes:
        'return { isBase64Encoded: true, headers: { "content-type": "application/octet-stream" }, body: Buffer.from([0, 255, 1]).toString("base64") };',
    },
    methods: [route('POST /echo', 'echo'), route('GET /bytes', 'bytes')],
    binaryMediaTypes: ['*/*'],
  });
});

afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await binary[Symbol.asyncDispose]();
});

const eventOf = async (path: string, init?: RequestInit) => {
  const response = await fetch(`${api.url}${path}`, init);
  expect(response.status).toBe(200);
  return (await response.json()) as Record<string, never>;
};

describe('the event that a function gets', () => {
  it('names resource, path, stage and ids', async () => {
    const response = await fetch(`${api.url}/v1/items/42`);
    const event = (await response.json()) as Record<string, unknown>;
    expect(event).toMatchObject({
      resource: '/v1/items/{itemId}',
      path: '/v1/items/42',
      httpMethod: 'GET',
      pathParameters: { itemId: '42' },
      queryStringParameters: null,
      multiValueQueryStringParameters: null,
      body: null,
      isBase64Encoded: false,
      stageVariables: { colour: 'red' },
      requestContext: {
        stage: 'api',
        path: '/api/v1/items/42',
        resourcePath: '/v1/items/{itemId}',
        apiId: 'api1234567',
        requestId: response.headers.get('x-amzn-requestid'),
        identity: { sourceIp: '127.0.0.1' },
      },
    });
    expect(response.headers.get('x-amz-apigw-id')).toBeTruthy();
  });

  it('carries repeated query values, the last one singly, with + as a space', async () => {
    const event = await eventOf('/v1/items?a=1&a=2&b=x+y%2B');
    expect(event['queryStringParameters']).toEqual({ a: '2', b: 'x y+' });
    expect(event['multiValueQueryStringParameters']).toEqual({ a: ['1', '2'], b: ['x y+'] });
  });

  it('leaves paths and path parameters percent-encoded, as REST APIs do', async () => {
    const event = await eventOf('/v1/files/a%2Fb/c%20d+e/');
    expect(event['pathParameters']).toEqual({ path: 'a%2Fb/c%20d+e' });
    expect(event['path']).toBe('/v1/files/a%2Fb/c%20d+e/');
  });

  it('keeps header names as sent, repeated headers as a list, and claims about the address out', async () => {
    const headers = ['Host', 'x', 'X-Multi', '1', 'X-Multi', '2', 'X-Forwarded-For', '10.0.0.1'];
    const [response] = (await once(
      httpRequest(`${api.url}/v1/items`, { headers }).end(),
      'response',
    )) as [IncomingMessage];
    const raw = (await json(response)) as Record<string, Record<string, unknown>>;
    expect(raw['multiValueHeaders']?.['X-Multi']).toEqual(['1', '2']);
    expect(raw['headers']).toMatchObject({ 'X-Multi': '2', 'X-Forwarded-For': '127.0.0.1' });
  });

  it('holds text as text where no media type is binary', async () => {
    const event = await eventOf('/v1/items', { method: 'POST', body: 'grüße' });
    expect([event['body'], event['isBase64Encoded']]).toEqual(['grüße', false]);
  });

  it('holds every body as base64 where all media types are binary', async () => {
    const body = Buffer.from([0, 159, 146, 150]);
    const response = await fetch(`${binary.url}/echo`, { method: 'POST', body });
    const event = (await response.json()) as Record<string, unknown>;
    expect([event['body'], event['isBase64Encoded']]).toEqual([body.toString('base64'), true]);
  });

  it('gives bytes back as bytes', async () => {
    const response = await fetch(`${binary.url}/bytes`);
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(new Uint8Array([0, 255, 1]));
    expect(response.headers.get('content-length')).toBe('3');
  });
});

describe('routing', () => {
  it('prefers a literal segment to a parameter', async () => {
    expect(await (await fetch(`${api.url}/v1/items/fixed`)).text()).toBe('other');
  });

  it('ignores one slash at the end', async () => {
    expect((await fetch(`${api.url}/v1/items/`)).status).toBe(200);
  });

  it.each([
    ['an unknown route', 'GET', '/v1/nothing'],
    ['an unknown method', 'DELETE', '/v1/items'],
    ['an empty parameter', 'GET', '/v1/items//'],
  ])('answers %s with the gateway response of the template', async (_what, method, path) => {
    const response = await fetch(`${api.url}${path}`, { method, headers: { 'X-Sent': 'back' } });
    expect(response.status).toBe(404);
    const requestId = response.headers.get('x-amzn-requestid');
    expect(response.headers.get('x-request-id')).toBe(requestId);
    expect(response.headers.get('x-sent')).toBe('back');
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(await response.json()).toEqual({
      id: requestId,
      text: 'Missing Authentication Token',
      type: 'MISSING_AUTHENTICATION_TOKEN',
    });
  });

  it('answers 403 by itself where the template says nothing', async () => {
    const response = await fetch(`${binary.url}/nothing`);
    expect(response.status).toBe(403);
    expect(response.headers.get('x-amzn-errortype')).toBe('MissingAuthenticationTokenException');
    expect(await response.json()).toEqual({ message: 'Missing Authentication Token' });
  });

  it('knows no other stage', async () => {
    const response = await fetch(`${api.url.replace(/api$/, 'test')}/v1/items`);
    expect(response.status).toBe(403);
    expect(await response.json()).toEqual({ message: 'Forbidden' });
  });
});

describe('limits', () => {
  it('refuses a body over 10 MB without asking any function', async () => {
    const body = new Uint8Array(10 * 1024 * 1024 + 1);
    const response = await fetch(`${api.url}/v1/items`, { method: 'POST', body });
    expect(response.status).toBe(413);
  });

  it('refuses a body over 10 MB that does not say its length', async () => {
    const chunk = new Uint8Array(1024 * 1024);
    const body = ReadableStream.from(Array.from({ length: 11 }, () => chunk));
    const init = { method: 'POST', body, duplex: 'half' } as RequestInit;
    // The client may still be sending when the answer comes: then it sees the connection close.
    const status = await fetch(`${api.url}/v1/items`, init).then(
      (response) => response.status,
      () => 413,
    );
    expect(status).toBe(413);
  });

  it('refuses a body that no function could take', async () => {
    const body = 'x'.repeat(7 * 1024 * 1024);
    const response = await fetch(`${api.url}/v1/items`, { method: 'POST', body });
    expect(response.status).toBe(413);
  });

  it('refuses headers over 10,240 bytes', async () => {
    const response = await fetch(`${api.url}/v1/items`, {
      headers: { 'X-Long': 'x'.repeat(10_240) },
    });
    expect(response.status).toBe(431);
  });
});
