import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiFixture, route, startApi } from './fixture.ts';

const answers = {
  empty: 'return {};',
  full: 'return { statusCode: 201, headers: { a: "1", n: 2 }, multiValueHeaders: { "set-cookie": ["x=1", "y=2"] }, body: "done" };',
  numberAsText: 'return { statusCode: "204" };',
  remapped: 'return { headers: { Server: "mine", Date: "never", "Transfer-Encoding": "none" } };',
  throws: 'throw new Error("secret cause");',
  isNothing: 'return null;',
  isText: 'return "text";',
  hasObjectBody: 'return { statusCode: 200, body: { a: 1 } };',
  hasOneFieldMore: 'return { statusCode: 200, cookies: [] };',
  hasBadHeader: 'return { statusCode: 200, headers: { "bad name": "x" } };',
  exits: 'process.exit(1);',
  wrapped:
    'stream:const s = awslambda.HttpResponseStream.from(stream, { statusCode: 200, headers: {} }); s.end("hello");',
  neverEnds: 'await new Promise(() => {}); return {};',
  slow: 'await new Promise((resolve) => setTimeout(resolve, 3000)); return {};',
};

let api: ApiFixture;

beforeAll(async () => {
  api = await startApi({
    handlers: answers,
    methods: [
      ...Object.keys(answers).map((name) => route(`GET /${name}`, name)),
      route('GET /timeout', 'neverEnds', { timeoutMs: 100 }),
      route('GET /gone', 'noSuchFunction'),
    ],
    gatewayResponses: {
      DEFAULT_5XX: { statusCode: undefined, headers: { 'X-Own': "'yes'" }, templates: {} },
    },
    maximumWorkers: 1,
  });
});

afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

describe('a buffered answer', () => {
  it('may be empty: then it is 200 without a body', async () => {
    const response = await fetch(`${api.url}/empty`);
    expect([response.status, await response.text()]).toEqual([200, '']);
    expect(response.headers.get('content-type')).toBe('application/json');
  });

  it('carries status, headers of both kinds and the body', async () => {
    const response = await fetch(`${api.url}/full`);
    expect([response.status, await response.text()]).toEqual([201, 'done']);
    expect([response.headers.get('a'), response.headers.get('n')]).toEqual(['1', '2']);
    expect(response.headers.getSetCookie()).toEqual(['x=1', 'y=2']);
  });

  it('may have its status as text', async () => {
    expect((await fetch(`${api.url}/numberAsText`)).status).toBe(204);
  });

  it('has headers of the connection renamed', async () => {
    const { headers } = await fetch(`${api.url}/remapped`);
    expect(headers.get('x-amzn-remapped-server')).toBe('mine');
    expect(headers.get('x-amzn-remapped-date')).toBe('never');
    expect(headers.get('transfer-encoding')).toBeNull();
  });
});

describe('a function that fails or answers nonsense', () => {
  it.each([
    'throws',
    'isNothing',
    'isText',
    'hasObjectBody',
    'hasOneFieldMore',
    'hasBadHeader',
    'exits',
    'wrapped',
  ])('%s: is a 502 that tells nothing', async (name) => {
    const response = await fetch(`${api.url}/${name}`);
    expect(response.status).toBe(502);
    expect(response.headers.get('x-own')).toBe('yes');
    expect(await response.json()).toEqual({ message: 'Internal server error' });
  });

  it('leaves its cause in the log', () => {
    expect(api.logged.some((line) => line.includes('secret cause'))).toBe(true);
  });

  it('is a 504 when it does not answer in time', async () => {
    const response = await fetch(`${api.url}/timeout`);
    expect(response.status).toBe(504);
    expect(await response.json()).toEqual({ message: 'Endpoint request timed out' });
  });

  it('is a 500 when it is throttled, as a configuration error', async () => {
    const first = fetch(`${api.url}/slow`, { signal: AbortSignal.timeout(1000) }).catch(() => {});
    while (
      api.lambda.functions().find(({ functionName }) => functionName === 'slow')?.workers.length ===
      0
    )
      await new Promise((resolve) => setImmediate(resolve));
    const response = await fetch(`${api.url}/slow`);
    expect(response.status).toBe(500);
    expect(await response.json()).toEqual({ message: 'Internal server error' });
    await first;
  });

  it('is a 500 when it does not exist', async () => {
    expect((await fetch(`${api.url}/gone`)).status).toBe(500);
  });
});
