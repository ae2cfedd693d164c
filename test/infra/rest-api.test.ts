import { describe, expect, it } from 'vitest';
import { ErrorBody, isRetryable, statusOf } from '../../contract/errors.ts';
import { OPERATION_IDS, operationOf } from '../../contract/operations.ts';
import { FUNCTION_OF } from '../../lib/api/rest-functions.ts';
import { assemblyOf, ofType, oneOf, type Template } from './assembly.ts';
import { asText } from './statements.ts';

interface Route {
  readonly method: string;
  readonly path: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- as the template has it
  readonly properties: Record<string, any>;
}

function routesOf(template: Template): Route[] {
  const resources = ofType(template, 'AWS::ApiGateway::Resource');
  const pathOf = (id: string): string => {
    const resource = resources.get(id);
    if (!resource) return '';
    return `${pathOf(resource['ParentId'].Ref ?? '')}/${resource['PathPart']}`;
  };
  return [...ofType(template, 'AWS::ApiGateway::Method').values()].map((properties) => ({
    method: properties['HttpMethod'],
    path: pathOf(properties['ResourceId'].Ref ?? ''),
    properties,
  }));
}

const dev = async () => (await assemblyOf('dev')).service;
const constructOf = (name: string) => name.replace(/^./, (first) => first.toUpperCase());
const isPreflight = ({ method }: Route) => method === 'OPTIONS';

async function routeOf(id: (typeof OPERATION_IDS)[number]): Promise<Route> {
  const { method, path } = operationOf(id);
  const routes = routesOf(await dev());
  const route = routes.find((route) => route.method === method && route.path === `/v1${path}`);
  if (!route) throw new Error(`no route for ${id}`);
  return route;
}

describe('the routes', () => {
  it('are the contract’s operations, and no more', async () => {
    const routes = routesOf(await dev()).filter((route) => !isPreflight(route));
    const wanted = OPERATION_IDS.map(operationOf).map(({ method, path }) => `${method} /v1${path}`);
    expect(routes.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(wanted.sort());
  });

  it.each(OPERATION_IDS)('%s asks the authorizer unless anyone may call it', async (id) => {
    const { properties } = await routeOf(id);
    const open = operationOf(id).role === 'anyone';
    expect(properties['AuthorizationType']).toBe(open ? 'NONE' : 'CUSTOM');
    expect('AuthorizerId' in properties).toBe(!open);
  });

  it.each(OPERATION_IDS)('%s is answered as its function answers', async (id) => {
    const { properties } = await routeOf(id);
    const streams = FUNCTION_OF[id] === 'executions';
    expect(properties['Integration']).toMatchObject({
      Type: 'AWS_PROXY',
      ResponseTransferMode: streams ? 'STREAM' : 'BUFFERED',
      TimeoutInMillis: streams ? 900_000 : 29_000,
    });
    const uri = asText(properties['Integration']['Uri']);
    expect(uri).toContain(`<${constructOf(FUNCTION_OF[id])}Function.Arn>`);
    expect(uri).toContain(
      streams ? ':lambda:path/2021-11-15/functions/' : ':lambda:path/2015-03-31/functions/',
    );
    expect(uri.endsWith(streams ? '/response-streaming-invocations' : '/invocations')).toBe(true);
  });

  it('stream where a caller may ask for a stream, or what was printed is the answer', () => {
    for (const id of OPERATION_IDS) {
      const printed = ['getExecution', 'readResult', 'runOnce'].includes(id);
      const streams = operationOf(id).streams === true || printed;
      expect(FUNCTION_OF[id] === 'executions', id).toBe(streams);
    }
  });

  it('answer preflights by themselves, for each path once', async () => {
    const routes = routesOf(await dev());
    const paths = new Set(routes.map(({ path }) => path));
    const preflights = routes.filter(isPreflight);
    expect(preflights.map(({ path }) => path).sort()).toEqual([...paths].sort());
    for (const { path, properties } of preflights) {
      const { Integration } = properties;
      expect(Integration).toMatchObject({ Type: 'MOCK', ContentHandling: 'CONVERT_TO_TEXT' });
      const headers = Integration.IntegrationResponses[0].ResponseParameters;
      const methods = routes.filter((route) => route.path === path).map(({ method }) => method);
      for (const method of methods)
        expect(headers['method.response.header.Access-Control-Allow-Methods']).toContain(method);
      expect(headers['method.response.header.Access-Control-Allow-Headers']).toContain('X-API-Key');
    }
  });
});

describe('the API', () => {
  it('is regional, since the edge cuts a silent stream after 30 s', async () => {
    const [api] = ofType(await dev(), 'AWS::ApiGateway::RestApi').values();
    expect(api?.['EndpointConfiguration']).toEqual({ Types: ['REGIONAL'] });
  });

  it('passes bytes as they are', async () => {
    const [api] = ofType(await dev(), 'AWS::ApiGateway::RestApi').values();
    expect(api?.['BinaryMediaTypes']).toEqual(['*/*']);
  });

  it('asks for every key anew, and needs no header to ask', async () => {
    const [authorizer] = ofType(await dev(), 'AWS::ApiGateway::Authorizer').values();
    expect(authorizer).toMatchObject({
      Type: 'REQUEST',
      AuthorizerResultTtlInSeconds: 0,
      IdentitySource: '',
    });
  });

  it('takes one permission for each function, not one for each method', async () => {
    const granted = [...ofType(await dev(), 'AWS::Lambda::Permission').values()]
      .filter(({ Principal }) => Principal === 'apigateway.amazonaws.com')
      .filter(({ SourceArn }) => asText(SourceArn).includes(':<RestApi>/'))
      .map(({ FunctionName }) => asText(FunctionName));
    const served = new Set(['authorizer', ...Object.values(FUNCTION_OF)]);
    expect(granted.sort()).toEqual(
      [...served].map((name) => `<${constructOf(name)}Function.Arn>`).sort(),
    );
  });

  it('leaves the account’s own settings alone', async () => {
    const service = await dev();
    expect(ofType(service, 'AWS::ApiGateway::Account').size).toBe(0);
    const [stage] = ofType(service, 'AWS::ApiGateway::Stage').values();
    expect(stage).not.toHaveProperty('AccessLogSetting');
  });

  it('brakes all callers together below what the account has, and logs no execution', async () => {
    const { service } = await assemblyOf('dev');
    const [stage] = ofType(service, 'AWS::ApiGateway::Stage').values();
    expect(stage!['MethodSettings']).toEqual([
      {
        HttpMethod: '*',
        ResourcePath: '/*',
        DataTraceEnabled: false,
        ThrottlingRateLimit: 2_000,
        ThrottlingBurstLimit: 2_000,
      },
    ]);
  });

  it('logs each call in prod, without its query string', async () => {
    const { service } = await assemblyOf('prod');
    const [stage] = ofType(service, 'AWS::ApiGateway::Stage').values();
    const { Format } = stage!['AccessLogSetting'];
    const fields = Object.values(JSON.parse(Format) as Record<string, string>);
    expect(fields).toContain('$context.resourcePath');
    for (const leak of ['$context.path', 'querystring', 'X-API-Key', '$input'])
      expect(Format.includes(`${leak}"`), leak).toBe(false);
  });

  it('says where it answers', async () => {
    const { Outputs } = await dev();
    expect(asText(Outputs!['ApiUrl']!.Value)).toBe(
      'https://<RestApi>.execute-api.<AWS::Region>.<AWS::URLSuffix>/api/v1',
    );
    expect(Object.keys(Outputs!).sort()).toEqual([
      'AccountFunctionName',
      'ApiUrl',
      'Region',
      'WebsocketUrl',
    ]);
  });
});

describe('API Gateway’s own answers', () => {
  const TYPES = [
    'ACCESS_DENIED',
    'API_CONFIGURATION_ERROR',
    'AUTHORIZER_CONFIGURATION_ERROR',
    'AUTHORIZER_FAILURE',
    'BAD_REQUEST_BODY',
    'BAD_REQUEST_PARAMETERS',
    'DEFAULT_4XX',
    'DEFAULT_5XX',
    'EXPIRED_TOKEN',
    'INTEGRATION_FAILURE',
    'INTEGRATION_TIMEOUT',
    'INVALID_API_KEY',
    'INVALID_SIGNATURE',
    'MISSING_AUTHENTICATION_TOKEN',
    'QUOTA_EXCEEDED',
    'REQUEST_TOO_LARGE',
    'RESOURCE_NOT_FOUND',
    'THROTTLED',
    'UNAUTHORIZED',
    'UNSUPPORTED_MEDIA_TYPE',
    'WAF_FILTERED',
  ];
  const answersOf = async () =>
    new Map(
      [...ofType(await dev(), 'AWS::ApiGateway::GatewayResponse').values()].map((answer) => [
        String(answer['ResponseType']),
        answer,
      ]),
    );

  it('are ours for every type there is', async () => {
    expect([...(await answersOf()).keys()].sort()).toEqual(TYPES);
  });

  it.each(TYPES)('%s has the closed shape, the request’s id and CORS', async (type) => {
    const answer = (await answersOf()).get(type)!;
    const body = JSON.parse(answer['ResponseTemplates']['application/json']);
    expect(body.success).toBe(false);
    const error = ErrorBody.parse(body.error);
    expect(error.requestId).toBe('$context.requestId');
    expect(error.retryable).toBe(isRetryable(error.code));
    expect(body).toMatchObject({ code: statusOf(error.code), message: error.message });
    expect(answer['StatusCode']).toBe(
      type.startsWith('DEFAULT') ? undefined : String(statusOf(error.code)),
    );
    expect(answer['ResponseParameters']).toMatchObject({
      'gatewayresponse.header.Access-Control-Allow-Origin': "'*'",
      'gatewayresponse.header.X-Request-Id': 'context.requestId',
    });
  });

  it.each([
    ['MISSING_AUTHENTICATION_TOKEN', '404', 'NOT_FOUND'],
    ['UNAUTHORIZED', '401', 'UNAUTHENTICATED'],
    ['ACCESS_DENIED', '403', 'PERMISSION_DENIED'],
    ['REQUEST_TOO_LARGE', '413', 'PAYLOAD_TOO_LARGE'],
    ['THROTTLED', '429', 'RATE_LIMITED'],
    ['INTEGRATION_TIMEOUT', '504', 'DEADLINE_EXCEEDED'],
  ])('%s is %s %s', async (type, status, code) => {
    const answer = oneOf(
      await dev(),
      'AWS::ApiGateway::GatewayResponse',
      `RestApiOwn${type.replaceAll('_', '')}`,
    );
    expect(answer['StatusCode']).toBe(status);
    expect(answer['ResponseTemplates']['application/json']).toContain(`"code":"${code}"`);
  });

  it('say how long to wait where a repeat may succeed', async () => {
    const throttled = (await answersOf()).get('THROTTLED')!;
    expect(throttled['ResponseParameters']['gatewayresponse.header.Retry-After']).toBe("'1'");
  });
});
