/**
 * Asks a REQUEST authorizer whether a request may pass, and evaluates the policy that it answers.
 * There is no cache: every request on a CUSTOM method asks.
 */
import { z } from 'zod';
import type { FunctionInvoker } from '../lambda/types.ts';
import { isLike } from '../shared/wildcards.ts';
import type { AuthorizerDefinition, RestApiDefinition } from './definition.ts';
import { GatewayRefusal } from './gateway-response.ts';
import { type GatewayRequest, lastValues, multiOrNull } from './request.ts';
import type { RouteMatch } from './router.ts';

const oneOrMore = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());

const answerSchema = z.object({
  principalId: z.string().min(1),
  policyDocument: z.object({
    Version: z.string().optional(),
    Statement: z
      .union([z.unknown().array(), z.unknown().transform((one) => [one])])
      .pipe(
        z.array(
          z.object({ Effect: z.enum(['Allow', 'Deny']), Action: oneOrMore, Resource: oneOrMore }),
        ),
      ),
  }),
  // API Gateway refuses nested values here, so the stand-in does too.
  context: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
  usageIdentifierKey: z.string().optional(),
});

type Statement = z.output<typeof answerSchema>['policyDocument']['Statement'][number];

function covers(statement: Statement, methodArn: string): boolean {
  return (
    statement.Action.some((action) => isLike(action.toLowerCase(), 'execute-api:invoke')) &&
    statement.Resource.some((resource) => isLike(resource, methodArn))
  );
}

function decide(
  statements: readonly Statement[],
  methodArn: string,
): 'allowed' | 'denied' | 'silent' {
  const effects = new Set(
    statements.filter((statement) => covers(statement, methodArn)).map(({ Effect }) => Effect),
  );
  if (effects.has('Deny')) return 'denied';
  return effects.has('Allow') ? 'allowed' : 'silent';
}

function methodArnOf(api: RestApiDefinition, { httpMethod, path }: GatewayRequest): string {
  return `arn:aws:execute-api:${api.region}:${api.accountId}:${api.apiId}/${api.stageName}/${httpMethod}${path}`;
}

async function ask(
  invoker: FunctionInvoker,
  functionName: string,
  event: unknown,
): Promise<unknown> {
  // 29 s is what API Gateway waits for any authorizer.
  const signal = AbortSignal.timeout(29_000);
  const outcome = await invoker.invoke(functionName, event, { signal }).catch((cause: unknown) => {
    throw new GatewayRefusal('AUTHORIZER_CONFIGURATION_ERROR', { cause });
  });
  if (!('error' in outcome)) return outcome.payload;
  // The one message by which an authorizer asks for a 401.
  if (outcome.error.errorMessage === 'Unauthorized') throw new GatewayRefusal('UNAUTHORIZED');
  throw new GatewayRefusal('AUTHORIZER_CONFIGURATION_ERROR', { cause: outcome.error });
}

/** Answers what becomes `requestContext.authorizer`; throws a refusal when the caller may not pass. */
export async function askAuthorizer(options: {
  invoker: FunctionInvoker;
  functionName: string;
  methodArn: string;
  event: unknown;
}): Promise<Record<string, string | number>> {
  const startedAt = performance.now();
  const answer = await ask(options.invoker, options.functionName, options.event);
  const parsed = answerSchema.safeParse(answer);
  if (!parsed.success)
    throw new GatewayRefusal('AUTHORIZER_CONFIGURATION_ERROR', { cause: parsed.error });
  const { principalId, policyDocument, context } = parsed.data;
  const decision = decide(policyDocument.Statement, options.methodArn);
  if (decision === 'denied')
    throw new GatewayRefusal('ACCESS_DENIED', {
      detail: 'User is not authorized to access this resource with an explicit deny',
    });
  if (decision === 'silent') throw new GatewayRefusal('ACCESS_DENIED');
  return {
    ...Object.fromEntries(Object.entries(context).map(([name, value]) => [name, String(value)])),
    principalId,
    integrationLatency: Math.round(performance.now() - startedAt),
  };
}

/** Asks the authorizer of a REST API's method. */
export async function authorize(options: {
  invoker: FunctionInvoker;
  api: RestApiDefinition;
  authorizer: AuthorizerDefinition;
  request: GatewayRequest;
  match: RouteMatch;
  context: Readonly<Record<string, unknown>>;
}): Promise<Record<string, string | number>> {
  const { api, invoker, request, match } = options;
  const methodArn = methodArnOf(api, request);
  const event = {
    type: 'REQUEST',
    methodArn,
    resource: match.method.resourcePath,
    path: request.path,
    httpMethod: request.httpMethod,
    headers: lastValues(request.headers),
    multiValueHeaders: multiOrNull(request.headers),
    // Unlike a function's event, an authorizer's has empty maps where there is nothing.
    queryStringParameters: lastValues(request.query) ?? {},
    multiValueQueryStringParameters: request.query,
    pathParameters: match.pathParameters,
    stageVariables: api.stageVariables,
    requestContext: options.context,
  };
  const { functionName } = options.authorizer;
  return askAuthorizer({ invoker, functionName, methodArn, event });
}
