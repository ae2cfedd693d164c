/**
 * Reads the WebSocket APIs out of a deployed model: one definition for each stage. A setting that the API Gateway
 * stand-in does not serve stops the start, and so does a function that the API may not invoke.
 */
import { z } from 'zod';
import type {
  IdentitySource,
  WebSocketApiDefinition,
  WebSocketAuthorizer,
  WebSocketRoute,
} from '../services/api-gateway/websocket/definition.ts';
import { requirePermission } from './access.ts';
import type { DeployedResource, Deployment } from './deployment.ts';
import { AssemblyError } from './errors.ts';
import { functionOf } from './function-uri.ts';
import { readProperties } from './provider.ts';

const apiProperties = z.object({
  ProtocolType: z.literal('WEBSOCKET', 'only WebSocket APIs have a stand-in'),
  RouteSelectionExpression: z
    .string()
    .regex(
      /^\$request\.body\.[\w-]+(\.[\w-]+)*$/,
      'only a value of the body, such as $request.body.type, can select a route',
    ),
});

const stageProperties = z
  .object({
    ApiId: z.string(),
    StageName: z.string(),
    StageVariables: z.record(z.string(), z.coerce.string()).default({}),
    AutoDeploy: z.coerce.boolean().default(false),
    DeploymentId: z.string().optional(),
  })
  .refine(({ AutoDeploy, DeploymentId }) => AutoDeploy || DeploymentId !== undefined, {
    error: 'has neither AutoDeploy nor a deployment, so it serves nothing',
  });

const routeProperties = z.object({
  ApiId: z.string(),
  RouteKey: z.string(),
  AuthorizationType: z.enum(['NONE', 'CUSTOM']).default('NONE'),
  AuthorizerId: z.string().optional(),
  Target: z.string().startsWith('integrations/'),
  RouteResponseSelectionExpression: z.literal('$default').optional(),
  ApiKeyRequired: z.literal(false, 'API keys of usage plans have no stand-in').optional(),
  RequestModels: z.undefined('the validation of messages has no stand-in').optional(),
});

const integrationProperties = z.object({
  IntegrationType: z.literal('AWS_PROXY', 'only functions have a stand-in'),
  IntegrationUri: z.string(),
  TimeoutInMillis: z.coerce.number().int().min(50).max(29_000).default(29_000),
  ContentHandlingStrategy: z.undefined('conversion of content has no stand-in').optional(),
});

const routeResponseProperties = z.object({
  RouteId: z.string(),
  RouteResponseKey: z.literal('$default'),
});

const authorizerProperties = z.object({
  ApiId: z.string(),
  AuthorizerType: z.literal('REQUEST', 'only REQUEST authorizers have a stand-in'),
  AuthorizerUri: z.string(),
  IdentitySource: z.array(z.string()).default([]),
});

function read<T>(schema: z.ZodType<T>, resource: DeployedResource): T {
  return readProperties(schema, resource.properties, { address: resource, type: resource.type });
}

function identitySource(expression: string, owner: string): IdentitySource {
  const [, place, name] = /^route\.request\.(header|querystring)\.(.+)$/.exec(expression) ?? [];
  if ((place !== 'header' && place !== 'querystring') || name === undefined)
    throw new AssemblyError(`${owner}: the identity source ${expression} has no stand-in`);
  return { place, name };
}

const service = 'apigateway.amazonaws.com';

function byRef(deployment: Deployment, type: string, ref: string, owner: string): DeployedResource {
  const found = deployment.resourcesOfType(type).find((resource) => resource.ref === ref);
  if (found !== undefined) return found;
  throw new AssemblyError(`${owner}: ${type} ${ref} is not deployed`);
}

interface ApiScope {
  readonly deployment: Deployment;
  /** `arn:aws:execute-api:<region>:<account>:<api>`. */
  readonly apiArn: string;
  readonly stageName: string;
}

function authorizerOf(
  { deployment, apiArn }: ApiScope,
  ref: string,
  owner: string,
): WebSocketAuthorizer {
  const resource = byRef(deployment, 'AWS::ApiGatewayV2::Authorizer', ref, owner);
  const { AuthorizerUri, IdentitySource } = read(authorizerProperties, resource);
  const functionName = functionOf(AuthorizerUri, 'invocations', resource.logicalId);
  const sourceArn = `${apiArn}/authorizers/${ref}`;
  requirePermission(deployment, { service, functionName, sourceArn, owner: resource.logicalId });
  return {
    functionName,
    identitySources: IdentitySource.map((source) => identitySource(source, resource.logicalId)),
  };
}

function routeOf(scope: ApiScope, resource: DeployedResource): WebSocketRoute {
  const { deployment, apiArn, stageName } = scope;
  const owner = resource.logicalId;
  const route = read(routeProperties, resource);
  const isCustom = route.AuthorizationType === 'CUSTOM';
  if (isCustom && route.RouteKey !== '$connect')
    throw new AssemblyError(`${owner}: only $connect can have an authorizer`);
  const integration = byRef(
    deployment,
    'AWS::ApiGatewayV2::Integration',
    route.Target.replace('integrations/', ''),
    owner,
  );
  const { IntegrationUri, TimeoutInMillis } = read(integrationProperties, integration);
  const functionName = functionOf(IntegrationUri, 'invocations', integration.logicalId);
  const sourceArn = `${apiArn}/${stageName}/${route.RouteKey}`;
  requirePermission(deployment, { service, functionName, sourceArn, owner });
  const hasResponse = deployment
    .resourcesOfType('AWS::ApiGatewayV2::RouteResponse')
    .some((response) => read(routeResponseProperties, response).RouteId === resource.ref);
  return {
    routeKey: route.RouteKey,
    authorizer: isCustom ? authorizerOf(scope, route.AuthorizerId ?? '', owner) : undefined,
    functionName,
    timeoutMs: TimeoutInMillis,
    // Without the expression the response is defined, and never sent.
    responds: hasResponse && route.RouteResponseSelectionExpression === '$default',
  };
}

export function webSocketApisOf(deployment: Deployment): WebSocketApiDefinition[] {
  const { accountId, region } = deployment;
  return deployment.resourcesOfType('AWS::ApiGatewayV2::Stage').map((resource) => {
    const stage = read(stageProperties, resource);
    const api = byRef(deployment, 'AWS::ApiGatewayV2::Api', stage.ApiId, resource.logicalId);
    const apiArn = `arn:aws:execute-api:${region}:${accountId}:${api.ref}`;
    const scope = { deployment, apiArn, stageName: stage.StageName };
    const routes = deployment
      .resourcesOfType('AWS::ApiGatewayV2::Route')
      .filter((route) => read(routeProperties, route).ApiId === api.ref)
      .map((route) => routeOf(scope, route));
    return {
      apiId: api.ref,
      accountId,
      region,
      stageName: stage.StageName,
      stageVariables: stage.StageVariables,
      routeSelection: read(apiProperties, api).RouteSelectionExpression.split('.').slice(2),
      routes: new Map(routes.map((route) => [route.routeKey, route])),
    };
  });
}
