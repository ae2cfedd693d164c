import { describe, expect, it } from 'vitest';
import { deployAssembly } from '../../../local/assembly/deploy.ts';
import { eventRulesOf } from '../../../local/assembly/event-rules.ts';
import { restApisOf } from '../../../local/assembly/rest-apis.ts';
import { codeOf, permissionOf, writeAssembly } from '../../helpers/cloud-assembly.ts';
import { recordedServices } from '../../helpers/recorded-services.ts';

const ref = (Ref: string) => ({ Ref });

const uri = (version: string, operation: string) => ({
  'Fn::Join': [
    '',
    [
      'arn:aws:apigateway:us-east-1:lambda:path/',
      version,
      '/functions/',
      { 'Fn::GetAtt': ['Run', 'Arn'] },
      `/${operation}`,
    ],
  ],
});
const buffered = uri('2015-03-31', 'invocations');
const streamed = uri('2021-11-15', 'response-streaming-invocations');

const ofApi = (Type: string, Properties: object) => ({
  Type: `AWS::ApiGateway::${Type}`,
  Properties: { RestApiId: ref('Api'), ...Properties },
});

const method = (properties: object, integration: object) =>
  ofApi('Method', {
    HttpMethod: 'POST',
    ResourceId: ref('One'),
    AuthorizationType: 'NONE',
    Integration: { Type: 'AWS_PROXY', Uri: buffered, ...integration },
    ...properties,
  });

const base = {
  Run: {
    Type: 'AWS::Lambda::Function',
    Properties: {
      Code: codeOf('abc'),
      Handler: 'index.handler',
      Runtime: 'nodejs24.x',
      FunctionName: 'Ci-run',
    },
  },
  ApiMay: permissionOf('apigateway', 'Run'),
  RulesMay: permissionOf('events', 'Run'),
  Api: { Type: 'AWS::ApiGateway::RestApi', Properties: { BinaryMediaTypes: ['*/*'] } },
  One: ofApi('Resource', { ParentId: ref('V1'), PathPart: '{id}' }),
  V1: ofApi('Resource', { ParentId: { 'Fn::GetAtt': ['Api', 'RootResourceId'] }, PathPart: 'v1' }),
  Stage: ofApi('Stage', { StageName: 'api' }),
};

async function deploy(resources: object) {
  await using assembly = await writeAssembly({
    Ci: { template: { Resources: { ...base, ...resources } }, bundles: { abc: {} } },
  });
  return await deployAssembly({ directory: assembly.directory, services: recordedServices() });
}

const apiOf = async (resources: object) => restApisOf(await deploy(resources))[0];

describe('a REST API read from a template', () => {
  it('has joined paths, named functions and the mode of transfer', async () => {
    const api = await apiOf({
      Post: method({}, { Uri: streamed, ResponseTransferMode: 'STREAM', TimeoutInMillis: 900_000 }),
      Root: method(
        { HttpMethod: 'ANY', ResourceId: { 'Fn::GetAtt': ['Api', 'RootResourceId'] } },
        {},
      ),
    });
    expect(api).toMatchObject({ stageName: 'api', binaryMediaTypes: ['*/*'] });
    expect(api?.methods).toMatchObject([
      {
        httpMethod: 'POST',
        resourcePath: '/v1/{id}',
        integration: { functionName: 'Ci-run', transfer: 'STREAM', timeoutMs: 900_000 },
      },
      {
        httpMethod: 'ANY',
        resourcePath: '/',
        integration: { transfer: 'BUFFERED', timeoutMs: 29_000 },
      },
    ]);
  });

  it('has its authorizer, its mock and its gateway responses', async () => {
    const api = await apiOf({
      Keys: ofApi('Authorizer', {
        Type: 'REQUEST',
        AuthorizerUri: buffered,
        AuthorizerResultTtlInSeconds: 0,
        IdentitySource: '',
      }),
      Post: method({ AuthorizationType: 'CUSTOM', AuthorizerId: ref('Keys') }, {}),
      Options: method(
        { HttpMethod: 'OPTIONS' },
        {
          Type: 'MOCK',
          ContentHandling: 'CONVERT_TO_TEXT',
          RequestTemplates: { 'application/json': '{"statusCode":204}' },
          IntegrationResponses: [
            {
              StatusCode: '204',
              ResponseParameters: { 'method.response.header.Access-Control-Max-Age': "'3600'" },
            },
          ],
        },
      ),
      Denied: ofApi('GatewayResponse', {
        ResponseType: 'ACCESS_DENIED',
        StatusCode: '403',
        ResponseParameters: { 'gatewayresponse.header.X-Request-Id': 'context.requestId' },
        ResponseTemplates: { 'application/json': '{}' },
      }),
    });
    const [post, options] = api?.methods ?? [];
    expect(post?.authorizer?.functionName).toBe('Ci-run');
    expect(options?.integration).toMatchObject({
      kind: 'mock',
      convertsToText: true,
      responses: [{ statusCode: 204, headers: { 'Access-Control-Max-Age': '3600' } }],
    });
    expect(api?.gatewayResponses.get('ACCESS_DENIED')).toEqual({
      statusCode: 403,
      headers: { 'X-Request-Id': 'context.requestId' },
      templates: { 'application/json': '{}' },
    });
  });

  it('is refused where no permission of the function lets the API call it', async () => {
    const permission = permissionOf('apigateway', 'Run');
    const SourceArn = { 'Fn::Sub': 'arn:aws:execute-api:${AWS::Region}:*:${Api}/*/POST/v1/*' };
    const ApiMay = { ...permission, Properties: { ...permission.Properties, SourceArn } };
    await expect(apiOf({ ApiMay, Post: method({}, {}) })).resolves.toBeDefined();
    await expect(apiOf({ ApiMay, Get: method({ HttpMethod: 'GET' }, {}) })).rejects.toThrow(
      /^GET \/v1\/\{id\}: no permission lets arn:aws:execute-api:.*\/api\/GET\/v1\/\* invoke Ci-run$/,
    );
  });

  it.each<[string, object, RegExp]>([
    [
      'a STREAM method on the buffered operation',
      { Post: method({}, { ResponseTransferMode: 'STREAM' }) },
      /Post: .*response-streaming-invocations/,
    ],
    [
      'a cached authorizer',
      {
        Keys: ofApi('Authorizer', {
          Type: 'REQUEST',
          AuthorizerUri: buffered,
          AuthorizerResultTtlInSeconds: 300,
        }),
        Post: method({ AuthorizationType: 'CUSTOM', AuthorizerId: ref('Keys') }, {}),
      },
      /Keys .*must be 0/,
    ],
    [
      'an identity source',
      {
        Keys: ofApi('Authorizer', {
          Type: 'REQUEST',
          AuthorizerUri: buffered,
          AuthorizerResultTtlInSeconds: 0,
          IdentitySource: 'method.request.header.X',
        }),
        Post: method({}, {}),
      },
      /IdentitySource: must be empty/,
    ],
    [
      'a token authorizer',
      {
        Keys: ofApi('Authorizer', {
          Type: 'TOKEN',
          AuthorizerUri: buffered,
          AuthorizerResultTtlInSeconds: 0,
        }),
        Post: method({}, {}),
      },
      /only REQUEST/,
    ],
    [
      'IAM authorization',
      { Post: method({ AuthorizationType: 'AWS_IAM' }, {}) },
      /AuthorizationType/,
    ],
    [
      'an HTTP integration',
      { Post: method({}, { Type: 'HTTP_PROXY', Uri: 'https://x' }) },
      /Integration.Type/,
    ],
    [
      'a mapped header',
      {
        Denied: ofApi('GatewayResponse', {
          ResponseType: 'X',
          ResponseParameters: { 'gatewayresponse.header.A': 'method.request.path.id' },
        }),
      },
      /method.request.path.id has no stand-in/,
    ],
  ])('is refused with %s', async (_what, resources, message) => {
    await expect(apiOf(resources)).rejects.toThrow(message);
  });
});

describe('rules read from a template', () => {
  const rule = (properties: object) => ({
    Rule: { Type: 'AWS::Events::Rule', Properties: properties },
  });
  const target = { Id: 'Target0', Arn: { 'Fn::GetAtt': ['Run', 'Arn'] } };

  it('have pattern, schedule and functions', async () => {
    const [read] = eventRulesOf(
      await deploy(
        rule({ ScheduleExpression: 'rate(1 minute)', Targets: [{ ...target, Input: '{}' }] }),
      ),
    );
    expect(read).toMatchObject({
      arn: expect.stringMatching(/^arn:aws:events:us-east-1:000000000000:rule\/Ci-Rule-/),
      enabled: true,
      busName: 'default',
      scheduleExpression: 'rate(1 minute)',
      targets: [
        { functionArn: 'arn:aws:lambda:us-east-1:000000000000:function:Ci-run', input: '{}' },
      ],
    });
  });

  it.each<[string, object, RegExp]>([
    [
      'a queue as target',
      { Targets: [{ Id: 'a', Arn: 'arn:aws:sqs:x' }] },
      /only functions can be targets/,
    ],
    [
      'an input transformer',
      { Targets: [{ ...target, InputTransformer: {} }] },
      /input transformer has no stand-in/,
    ],
  ])('are refused with %s', async (_what, properties, message) => {
    const deployment = await deploy(rule(properties));
    expect(() => eventRulesOf(deployment)).toThrow(message);
  });
});
