/**
 * Reads the REST APIs out of a deployed model: one definition for each stage, with paths joined and functions named.
 * A setting that the API Gateway stand-in does not serve stops the start, with the method's name.
 */
import { z } from 'zod';
import type {
  AuthorizerDefinition,
  FunctionIntegration,
  GatewayResponseDefinition,
  MethodDefinition,
  MockIntegration,
  RestApiDefinition,
} from '../services/api-gateway/definition.ts';
import { requirePermission } from './access.ts';
import type { DeployedResource, Deployment } from './deployment.ts';
import { AssemblyError } from './errors.ts';
import { functionOf } from './function-uri.ts';
import { readProperties } from './provider.ts';

const apiProperties = z.object({ BinaryMediaTypes: z.array(z.string()).default([]) });

const resourceProperties = z.object({
  RestApiId: z.string(),
  ParentId: z.string(),
  PathPart: z.string(),
});

const integrationProperties = z.object({
  Type: z.enum(['AWS_PROXY', 'MOCK']),
  Uri: z.string().optional(),
  ResponseTransferMode: z.enum(['BUFFERED', 'STREAM']).default('BUFFERED'),
  TimeoutInMillis: z.coerce.number().default(29_000),
  ContentHandling: z.string().optional(),
  RequestTemplates: z.record(z.string(), z.string()).default({}),
  IntegrationResponses: z
    .array(
      z.object({
        StatusCode: z.coerce.number(),
        SelectionPattern: z.string().optional(),
        ResponseParameters: z.record(z.string(), z.string()).default({}),
        ResponseTemplates: z.record(z.string(), z.string()).default({}),
      }),
    )
    .default([]),
});

const methodProperties = z.object({
  RestApiId: z.string(),
  ResourceId: z.string(),
  HttpMethod: z.string(),
  AuthorizationType: z.enum(['NONE', 'CUSTOM']).default('NONE'),
  AuthorizerId: z.string().optional(),
  Integration: integrationProperties,
});

const authorizerProperties = z.object({
  Type: z.literal('REQUEST', 'only REQUEST authorizers have a stand-in'),
  AuthorizerUri: z.string(),
  AuthorizerResultTtlInSeconds: z.coerce
    .number()
    .refine((seconds) => seconds === 0, 'must be 0: a cached Allow outlives a revoked key'),
  IdentitySource: z
    .literal('', 'must be empty: a missing source would be a 401 of its own')
    .optional(),
});

const gatewayResponseProperties = z.object({
  RestApiId: z.string(),
  ResponseType: z.string(),
  StatusCode: z.coerce.number().optional(),
  ResponseParameters: z.record(z.string(), z.string()).default({}),
  ResponseTemplates: z.record(z.string(), z.string()).default({}),
});

const stageProperties = z.object({
  RestApiId: z.string(),
  StageName: z.string(),
  Variables: z.record(z.string(), z.coerce.string()).default({}),
});

function read<T>(schema: z.ZodType<T>, resource: DeployedResource): T {
  return readProperties(schema, resource.properties, { address: resource, type: resource.type });
}

function functionIntegration(
  integration: z.output<typeof integrationProperties>,
  owner: string,
): FunctionIntegration {
  const { Uri = '', ResponseTransferMode: transfer, TimeoutInMillis: timeoutMs } = integration;
  const operation = transfer === 'STREAM' ? 'response-streaming-invocations' : 'invocations';
  const functionName = functionOf(Uri, operation, owner);
  return { kind: 'function', functionName, transfer, timeoutMs };
}

const headerPrefix = 'gatewayresponse.header.';

/** Gateway responses may also quote the request and its context; the stand-in evaluates these. */
function headerExpressions(
  parameters: Readonly<Record<string, string>>,
  owner: string,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(parameters).map(([target, expression]) => {
      const known = /^('.*'|context\..+|stageVariables\..+|method\.request\.header\..+)$/s;
      if (!target.startsWith(headerPrefix) || !known.test(expression))
        throw new AssemblyError(
          `${owner}: response parameter ${target}: ${expression} has no stand-in`,
        );
      return [target.slice(headerPrefix.length), expression];
    }),
  );
}

/** `'literal'` with its quotes is the only mapping expression that a mock answer needs. */
function literalHeaders(
  parameters: Readonly<Record<string, string>>,
  owner: string,
): Record<string, string> {
  const prefix = 'method.response.header.';
  return Object.fromEntries(
    Object.entries(parameters).map(([target, expression]) => {
      const value = /^'(.*)'$/s.exec(expression)?.[1];
      if (!target.startsWith(prefix) || value === undefined)
        throw new AssemblyError(
          `${owner}: response parameter ${target}: ${expression} is not a literal header`,
        );
      return [target.slice(prefix.length), value];
    }),
  );
}

function mockIntegration(
  integration: z.output<typeof integrationProperties>,
  owner: string,
): MockIntegration {
  return {
    kind: 'mock',
    requestTemplate: integration.RequestTemplates['application/json'],
    convertsToText: integration.ContentHandling === 'CONVERT_TO_TEXT',
    responses: integration.IntegrationResponses.map((response) => ({
      statusCode: response.StatusCode,
      selectionPattern: response.SelectionPattern,
      headers: literalHeaders(response.ResponseParameters, owner),
      body: Object.values(response.ResponseTemplates)[0],
    })),
  };
}

function pathsOf(deployment: Deployment, api: DeployedResource): Map<string, string> {
  const paths = new Map<string, string>([[String(api.attributes['RootResourceId']), '']]);
  // A resource stands after its parent in the model, so one pass is enough.
  for (const resource of deployment.resourcesOfType('AWS::ApiGateway::Resource')) {
    const { RestApiId, ParentId, PathPart } = read(resourceProperties, resource);
    const parent = paths.get(ParentId);
    if (RestApiId === api.ref && parent !== undefined)
      paths.set(resource.ref, `${parent}/${PathPart}`);
  }
  return paths;
}

function authorizersOf(deployment: Deployment): Map<string, AuthorizerDefinition> {
  return new Map(
    deployment.resourcesOfType('AWS::ApiGateway::Authorizer').map((resource) => {
      const { AuthorizerUri } = read(authorizerProperties, resource);
      const functionName = functionOf(AuthorizerUri, 'invocations', resource.logicalId);
      return [resource.ref, { id: resource.ref, functionName }];
    }),
  );
}

function methodsOf(deployment: Deployment, api: DeployedResource): MethodDefinition[] {
  const paths = pathsOf(deployment, api);
  const authorizers = authorizersOf(deployment);
  return deployment.resourcesOfType('AWS::ApiGateway::Method').flatMap((resource) => {
    const method = read(methodProperties, resource);
    if (method.RestApiId !== api.ref) return [];
    const { Integration, AuthorizerId } = method;
    const authorizer = authorizers.get(AuthorizerId ?? '');
    if (method.AuthorizationType === 'CUSTOM' && authorizer === undefined)
      throw new AssemblyError(`${resource.logicalId}: authorizer ${AuthorizerId} is not deployed`);
    return {
      httpMethod: method.HttpMethod,
      resourcePath: paths.get(method.ResourceId) || '/',
      resourceId: method.ResourceId,
      authorizer: method.AuthorizationType === 'CUSTOM' ? authorizer : undefined,
      integration:
        Integration.Type === 'MOCK'
          ? mockIntegration(Integration, resource.logicalId)
          : functionIntegration(Integration, resource.logicalId),
    };
  });
}

function gatewayResponsesOf(
  deployment: Deployment,
  api: DeployedResource,
): Map<string, GatewayResponseDefinition> {
  const responses = new Map<string, GatewayResponseDefinition>();
  for (const resource of deployment.resourcesOfType('AWS::ApiGateway::GatewayResponse')) {
    const response = read(gatewayResponseProperties, resource);
    if (response.RestApiId !== api.ref) continue;
    responses.set(response.ResponseType, {
      statusCode: response.StatusCode,
      headers: headerExpressions(response.ResponseParameters, resource.logicalId),
      templates: response.ResponseTemplates,
    });
  }
  return responses;
}

/** API Gateway writes `*` for the variables of a path when it says where a call comes from. */
function requirePermissions(
  deployment: Deployment,
  { apiId, stageName, methods }: Pick<RestApiDefinition, 'apiId' | 'stageName' | 'methods'>,
): void {
  const { region, accountId } = deployment;
  const service = 'apigateway.amazonaws.com';
  const api = `arn:aws:execute-api:${region}:${accountId}:${apiId}`;
  for (const { httpMethod, resourcePath, integration, authorizer } of methods) {
    const owner = `${httpMethod} ${resourcePath}`;
    if (integration.kind === 'function') {
      const path = resourcePath.replaceAll(/\{[^}]+\}/g, '*');
      const sourceArn = `${api}/${stageName}/${httpMethod}${path}`;
      const { functionName } = integration;
      requirePermission(deployment, { service, functionName, sourceArn, owner });
    }
    if (authorizer !== undefined) {
      const { id, functionName } = authorizer;
      const sourceArn = `${api}/authorizers/${id}`;
      requirePermission(deployment, { service, functionName, sourceArn, owner });
    }
  }
}

export function restApisOf(deployment: Deployment): RestApiDefinition[] {
  const apis = new Map(
    deployment.resourcesOfType('AWS::ApiGateway::RestApi').map((api) => [api.ref, api]),
  );
  return deployment.resourcesOfType('AWS::ApiGateway::Stage').map((resource) => {
    const stage = read(stageProperties, resource);
    const api = apis.get(stage.RestApiId);
    if (api === undefined)
      throw new AssemblyError(`${resource.logicalId}: REST API ${stage.RestApiId} is not deployed`);
    const methods = methodsOf(deployment, api);
    requirePermissions(deployment, { apiId: api.ref, stageName: stage.StageName, methods });
    return {
      apiId: api.ref,
      accountId: deployment.accountId,
      region: deployment.region,
      stageName: stage.StageName,
      stageVariables: stage.Variables,
      binaryMediaTypes: read(apiProperties, api).BinaryMediaTypes,
      methods,
      gatewayResponses: gatewayResponsesOf(deployment, api),
    };
  });
}
