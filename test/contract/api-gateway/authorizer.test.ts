import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiFixture, echo, route, startApi } from './fixture.ts';

const policy = (effect: string, resource: string, more = '') =>
  `return { principalId: "p", policyDocument: { Version: "2012-10-17", Statement: [{ Action: "execute-api:Invoke", Effect: "${effect}", Resource: ${resource} }] }${more} };`;

const authorizers = {
  allows: policy('Allow', 'event.methodArn', ', context: { tenantId: "t1", count: 3, live: true }'),
  allowsAll: policy('Allow', '"arn:aws:execute-api:*:*:*/api/GET/*"'),
  allowsOther: policy('Allow', '"arn:aws:execute-api:*:*:*/api/POST/*"'),
  denies: policy('Deny', 'event.methodArn'),
  refuses: 'throw new Error("Unauthorized");',
  fails: 'throw new Error("broken");',
  nests: policy('Allow', 'event.methodArn', ', context: { tenant: { id: 1 } }'),
  isEmpty: 'return {};',
  reflects: policy('Allow', 'event.methodArn', ', context: { event: JSON.stringify(event) }'),
};

let api: ApiFixture;

beforeAll(async () => {
  api = await startApi({
    handlers: { echo, ...authorizers },
    methods: Object.keys(authorizers).map((name) =>
      route(`GET /${name}/{id}`, 'echo', { authorizer: name }),
    ),
    gatewayResponses: {
      UNAUTHORIZED: {
        statusCode: 401,
        headers: {},
        templates: { 'application/json': '{"own":$context.error.messageString}' },
      },
    },
  });
});

afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

const get = (name: string, init?: RequestInit) => fetch(`${api.url}/${name}/7`, init);

describe('a REQUEST authorizer', () => {
  it('passes its context on as text', async () => {
    const event = (await (await get('allows')).json()) as Record<string, Record<string, unknown>>;
    expect(event['requestContext']?.['authorizer']).toEqual({
      tenantId: 't1',
      count: '3',
      live: 'true',
      principalId: 'p',
      integrationLatency: expect.any(Number),
    });
  });

  it('may allow by wildcard', async () => {
    expect((await get('allowsAll')).status).toBe(200);
  });

  it.each([
    ['denies', /explicit deny/],
    ['allowsOther', /not authorized/],
  ])('%s: is a 403', async (name, message) => {
    const response = await get(name);
    expect(response.status).toBe(403);
    expect(((await response.json()) as { message: string }).message).toMatch(message);
  });

  it('that throws "Unauthorized" is a 401, by the template of the API', async () => {
    const response = await get('refuses');
    expect(response.status).toBe(401);
    expect(await response.json()).toEqual({ own: 'Unauthorized' });
  });

  it.each(['fails', 'nests', 'isEmpty'])('%s: is a 500', async (name) => {
    const response = await get(name);
    expect(response.status).toBe(500);
    expect(response.headers.get('x-amzn-errortype')).toBe('AuthorizerConfigurationException');
    expect(await response.json()).toEqual({ message: null });
  });

  it('gets headers, query, path parameters and the method ARN', async () => {
    const response = await fetch(`${api.url}/reflects/7?q=1`, { headers: { 'X-API-Key': 'ci_1' } });
    const event = (await response.json()) as { requestContext: { authorizer: { event: string } } };
    expect(JSON.parse(event.requestContext.authorizer.event)).toMatchObject({
      type: 'REQUEST',
      methodArn: 'arn:aws:execute-api:us-east-1:000000000000:api1234567/api/GET/reflects/7',
      resource: '/reflects/{id}',
      headers: { 'X-API-Key': 'ci_1' },
      queryStringParameters: { q: '1' },
      pathParameters: { id: '7' },
    });
  });

  it('is asked for every request', async () => {
    const asked = () =>
      api.lambda.functions().find(({ functionName }) => functionName === 'allows')?.invocations ??
      0;
    const before = asked();
    await Promise.all([get('allows'), get('allows'), get('allows')]);
    expect(asked() - before).toBe(3);
  });
});
