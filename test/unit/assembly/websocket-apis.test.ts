import { describe, expect, it } from 'vitest';
import { deployAssembly } from '../../../local/assembly/deploy.ts';
import { webSocketApisOf } from '../../../local/assembly/websocket-apis.ts';
import { codeOf, writeAssembly } from '../../helpers/cloud-assembly.ts';
import { recordedServices } from '../../helpers/recorded-services.ts';

const ref = (Ref: string) => ({ Ref });
const join = (...parts: unknown[]) => ({ 'Fn::Join': ['', parts] });

const uriOf = (logicalId: string) =>
  join(
    'arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/',
    { 'Fn::GetAtt': [logicalId, 'Arn'] },
    '/invocations',
  );

const lambda = (FunctionName: string, Variables: object = {}) => ({
  Type: 'AWS::Lambda::Function',
  Properties: {
    Code: codeOf('abc'),
    Handler: 'index.handler',
    Runtime: 'nodejs24.x',
    FunctionName,
    Environment: { Variables },
  },
});

const ofApi = (type: string, Properties: object) => ({
  Type: `AWS::ApiGatewayV2::${type}`,
  Properties: { ApiId: ref('Sockets'), ...Properties },
});

const permission = (logicalId: string, end: string) => ({
  Type: 'AWS::Lambda::Permission',
  Properties: {
    Action: 'lambda:InvokeFunction',
    FunctionName: { 'Fn::GetAtt': [logicalId, 'Arn'] },
    Principal: 'apigateway.amazonaws.com',
    SourceArn: join('arn:aws:execute-api:us-east-1:000000000000:', ref('Sockets'), end),
  },
});

const route = (RouteKey: string, more: object = {}) =>
  ofApi('Route', { RouteKey, Target: join('integrations/', ref('ToSocket')), ...more });

const base = {
  Socket: lambda('Ci-socket'),
  Authorizer: lambda('Ci-authorizer'),
  Sockets: {
    Type: 'AWS::ApiGatewayV2::Api',
    Properties: {
      Name: 'Ci',
      ProtocolType: 'WEBSOCKET',
      RouteSelectionExpression: '$request.body.type',
    },
  },
  Stage: ofApi('Stage', { StageName: 'ws', AutoDeploy: true }),
  ToSocket: ofApi('Integration', { IntegrationType: 'AWS_PROXY', IntegrationUri: uriOf('Socket') }),
  MayRoute: permission('Socket', '/*$default'),
  Default: route('$default'),
};

const authorizer = {
  Keys: ofApi('Authorizer', {
    Name: 'keys',
    AuthorizerType: 'REQUEST',
    AuthorizerUri: uriOf('Authorizer'),
    IdentitySource: [],
  }),
  MayAsk: permission('Authorizer', join('/authorizers/', ref('Keys')) as unknown as string),
  MayConnect: permission('Socket', '/*$connect'),
  Connect: route('$connect', { AuthorizationType: 'CUSTOM', AuthorizerId: ref('Keys') }),
};

async function deploy(resources: object) {
  await using assembly = await writeAssembly({
    Ci: { template: { Resources: { ...base, ...resources } }, bundles: { abc: {} } },
  });
  const services = recordedServices();
  const deployment = await deployAssembly({ directory: assembly.directory, services });
  return { deployment, services };
}

const apiOf = async (resources: object) => webSocketApisOf((await deploy(resources)).deployment)[0];

describe('a WebSocket API read from a template', () => {
  it('has stage, selection, routes, functions and authorizer', async () => {
    const api = await apiOf(authorizer);
    expect(api).toMatchObject({
      stageName: 'ws',
      routeSelection: ['type'],
      apiId: expect.stringMatching(/^[a-z0-9]{10}$/),
    });
    expect(api?.routes.get('$connect')).toEqual({
      routeKey: '$connect',
      functionName: 'Ci-socket',
      timeoutMs: 29_000,
      responds: false,
      authorizer: { functionName: 'Ci-authorizer', identitySources: [] },
    });
    expect(api?.routes.get('$default')?.authorizer).toBeUndefined();
  });

  it('reads identity sources of headers and query', async () => {
    const sources = ['route.request.header.X-API-Key', 'route.request.querystring.ticket'];
    const api = await apiOf({
      ...authorizer,
      Keys: ofApi('Authorizer', {
        AuthorizerType: 'REQUEST',
        AuthorizerUri: uriOf('Authorizer'),
        IdentitySource: sources,
      }),
    });
    expect(api?.routes.get('$connect')?.authorizer?.identitySources).toEqual([
      { place: 'header', name: 'X-API-Key' },
      { place: 'querystring', name: 'ticket' },
    ]);
  });

  it.each([
    [true, { RouteResponseSelectionExpression: '$default' }],
    [false, {}],
  ])('sends a route response: %s, if the route selects one', async (responds, selection) => {
    const api = await apiOf({
      Default: route('$default', selection),
      Response: ofApi('RouteResponse', { RouteId: ref('Default'), RouteResponseKey: '$default' }),
    });
    expect(api?.routes.get('$default')?.responds).toBe(responds);
  });

  it.each<[string, object, RegExp]>([
    [
      'a function that it may not invoke',
      { MayRoute: permission('Socket', '/*$connect') },
      /Default: no permission lets .*\/ws\/\$default invoke Ci-socket/,
    ],
    [
      'an authorizer that it may not invoke',
      { ...authorizer, MayAsk: permission('Authorizer', '/authorizers/other') },
      /Keys: no permission lets .*\/authorizers\/.* invoke Ci-authorizer/,
    ],
    [
      'an authorizer on a message',
      { ...authorizer, Default: route('$default', { AuthorizationType: 'CUSTOM' }) },
      /only \$connect can have an authorizer/,
    ],
    [
      'an identity source of another kind',
      {
        ...authorizer,
        Keys: ofApi('Authorizer', {
          AuthorizerType: 'REQUEST',
          AuthorizerUri: uriOf('Authorizer'),
          IdentitySource: ['context.identity.sourceIp'],
        }),
      },
      /context.identity.sourceIp has no stand-in/,
    ],
    ['IAM', { Default: route('$default', { AuthorizationType: 'AWS_IAM' }) }, /AuthorizationType/],
    [
      'a stage that serves nothing',
      { Stage: ofApi('Stage', { StageName: 'ws' }) },
      /neither AutoDeploy nor a deployment/,
    ],
    [
      'an integration other than a function',
      { ToSocket: ofApi('Integration', { IntegrationType: 'MOCK', IntegrationUri: 'x' }) },
      /only functions have a stand-in/,
    ],
    [
      'a selection by header',
      {
        Sockets: {
          Type: 'AWS::ApiGatewayV2::Api',
          Properties: {
            ProtocolType: 'WEBSOCKET',
            RouteSelectionExpression: '$request.header.type',
          },
        },
      },
      /only a value of the body/,
    ],
    [
      'the protocol of HTTP APIs',
      { Sockets: { Type: 'AWS::ApiGatewayV2::Api', Properties: { ProtocolType: 'HTTP' } } },
      /only WebSocket APIs/,
    ],
  ])('is refused with %s', async (_what, resources, message) => {
    await expect(apiOf(resources)).rejects.toThrow(message);
  });
});

describe('the address of the connections', () => {
  const host = join(
    'https://',
    ref('Sockets'),
    '.execute-api.',
    ref('AWS::Region'),
    '.amazonaws.com',
  );

  it('leads functions to the front door, whatever variable holds it', async () => {
    const { services } = await deploy({
      Relay: lambda('Ci-relay', {
        ANY_NAME: join(host, '/ws'),
        BARE: host,
        FOR_CLIENTS: join('wss://', ref('Sockets'), '.execute-api.us-east-1.amazonaws.com/ws'),
        ANOTHER: 'https://other.execute-api.us-east-1.amazonaws.com/ws',
      }),
    });
    const relay = services.functions.find(({ functionName }) => functionName === 'Ci-relay');
    expect(relay?.environment).toEqual({
      ANY_NAME: 'http://127.0.0.1:4566/ws',
      BARE: 'http://127.0.0.1:4566',
      FOR_CLIENTS: '/ws',
      ANOTHER: 'https://other.execute-api.us-east-1.amazonaws.com/ws',
    });
  });
});
