/**
 * AWS_PROXY integrations: the event that a function gets, and its answer carried back, whole (BUFFERED) or as it
 * comes (STREAM). A stream that breaks off destroys the connection: it never looks like a clean end.
 */
import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { LambdaError } from '../lambda/errors.ts';
import type { FunctionInvoker, ResponsePrelude } from '../lambda/types.ts';
import type { FunctionIntegration, RestApiDefinition } from './definition.ts';
import { GatewayRefusal } from './gateway-response.ts';
import { isBinary } from './media-types.ts';
import {
  type GatewayRequest,
  headerOf,
  lastValues,
  multiOrNull,
  payloadLimitBytes,
} from './request.ts';
import type { RouteMatch } from './router.ts';

export interface IntegrationCall {
  readonly invoker: FunctionInvoker;
  readonly api: RestApiDefinition;
  readonly integration: FunctionIntegration;
  readonly request: GatewayRequest;
  readonly match: RouteMatch;
  readonly context: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
  readonly response: ServerResponse;
  /** Silence after which a stream is cut. */
  readonly streamIdleMs: number;
}

const scalar = z.union([z.string(), z.number(), z.boolean()]).transform(String);

/** Strict: one field more, and API Gateway calls the answer malformed. */
const answerSchema = z.strictObject({
  statusCode: z.coerce.number().int().min(100).max(599).default(200),
  headers: z.record(z.string(), scalar).nullish(),
  multiValueHeaders: z.record(z.string(), z.array(scalar)).nullish(),
  body: z.string().nullish(),
  isBase64Encoded: z.boolean().nullish(),
});

/** Headers that belong to the connection: API Gateway renames them in a function's answer. */
const remapped = new Set([
  'connection',
  'content-md5',
  'date',
  'expect',
  'host',
  'server',
  'te',
  'trailer',
  'upgrade',
  'user-agent',
  'www-authenticate',
]);

function eventOf({ api, request, match, context, body }: IntegrationCall): unknown {
  const binary =
    body.length > 0 && isBinary(api.binaryMediaTypes, headerOf(request, 'content-type'));
  return {
    resource: match.method.resourcePath,
    path: request.path,
    httpMethod: request.httpMethod,
    headers: lastValues(request.headers),
    multiValueHeaders: multiOrNull(request.headers),
    queryStringParameters: lastValues(request.query),
    multiValueQueryStringParameters: multiOrNull(request.query),
    pathParameters: Object.keys(match.pathParameters).length === 0 ? null : match.pathParameters,
    stageVariables: Object.keys(api.stageVariables).length === 0 ? null : api.stageVariables,
    requestContext: context,
    body: body.length === 0 ? null : body.toString(binary ? 'base64' : 'utf8'),
    isBase64Encoded: binary,
  };
}

function writeHead(
  { request, response }: IntegrationCall,
  head: {
    readonly statusCode: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly multiValueHeaders?: Readonly<Record<string, readonly string[]>> | null | undefined;
    readonly cookies?: readonly string[] | undefined;
  },
): void {
  response.statusCode = head.statusCode;
  response.setHeader('Content-Type', 'application/json');
  response.setHeader('x-amzn-RequestId', request.requestId);
  response.setHeader('x-amz-apigw-id', request.extendedRequestId);
  const all = [
    ...Object.entries(head.headers),
    ...Object.entries(head.multiValueHeaders ?? {}),
    ...(head.cookies === undefined ? [] : [['Set-Cookie', head.cookies] as const]),
  ];
  for (const [name, value] of all) {
    const lower = name.toLowerCase();
    // The gateway frames the body itself.
    if (lower === 'transfer-encoding' || lower === 'content-length') continue;
    response.setHeader(remapped.has(lower) ? `x-amzn-Remapped-${name}` : name, value);
  }
}

/** What a call that reached no function, or no answer in time, is to the client. */
function refusalOf(error: unknown): GatewayRefusal {
  if (error instanceof GatewayRefusal) return error;
  if (error instanceof Error && error.name === 'TimeoutError')
    return new GatewayRefusal('INTEGRATION_TIMEOUT', { cause: error });
  if (error instanceof LambdaError && error.code === 'RequestTooLargeException')
    return new GatewayRefusal('REQUEST_TOO_LARGE', { cause: error });
  // A throttle, an unknown function: "Execution failed due to configuration error", a 500.
  if (error instanceof LambdaError)
    return new GatewayRefusal('API_CONFIGURATION_ERROR', { cause: error });
  return new GatewayRefusal('INTEGRATION_ERROR', { cause: error });
}

async function answerBuffered(call: IntegrationCall): Promise<void> {
  const { invoker, integration, api, request, response } = call;
  const outcome = await invoker.invoke(integration.functionName, eventOf(call), {
    signal: AbortSignal.timeout(integration.timeoutMs),
  });
  if ('error' in outcome) throw new GatewayRefusal('INTEGRATION_ERROR', { cause: outcome.error });
  const parsed = answerSchema.safeParse(outcome.payload);
  if (!parsed.success) throw new GatewayRefusal('INTEGRATION_ERROR', { cause: parsed.error });
  const { statusCode, headers, multiValueHeaders, body, isBase64Encoded } = parsed.data;
  const decode =
    isBase64Encoded === true && isBinary(api.binaryMediaTypes, headerOf(request, 'accept'));
  const bytes = Buffer.from(body ?? '', decode ? 'base64' : 'utf8');
  if (bytes.length > payloadLimitBytes) throw new GatewayRefusal('INTEGRATION_ERROR');
  writeHead(call, { statusCode, headers: headers ?? {}, multiValueHeaders });
  if (statusCode !== 204 && statusCode !== 304) response.setHeader('Content-Length', bytes.length);
  response.end(bytes);
}

/** Passes chunks on one by one and fails when none comes for too long. */
async function* watchIdle(body: Readable, idleMs: number): AsyncIterable<unknown> {
  const timer = setTimeout(() => {
    body.destroy(new Error(`no byte for ${idleMs} ms`));
  }, idleMs);
  try {
    for await (const chunk of body) {
      timer.refresh();
      yield chunk;
    }
  } finally {
    clearTimeout(timer);
  }
}

async function copyStream(
  call: IntegrationCall,
  prelude: ResponsePrelude,
  body: Readable,
): Promise<void> {
  const { integration, request, response, streamIdleMs } = call;
  writeHead(call, prelude);
  response.flushHeaders();
  const elapsedMs = Date.now() - request.receivedAt.getTime();
  const total = setTimeout(
    () => body.destroy(new Error(`the stream is older than ${integration.timeoutMs} ms`)),
    Math.max(0, integration.timeoutMs - elapsedMs),
  );
  try {
    await pipeline(watchIdle(body, streamIdleMs), response);
  } catch {
    // The head is out: only a broken connection can still tell the client that the stream was cut.
    response.destroy();
  } finally {
    clearTimeout(total);
    body.destroy();
  }
}

async function answerStream(call: IntegrationCall): Promise<void> {
  const { invoker, integration } = call;
  const { prelude, body } = await invoker.invokeStreaming(integration.functionName, eventOf(call), {
    signal: AbortSignal.timeout(integration.timeoutMs),
  });
  if (prelude === undefined) {
    body.destroy();
    throw new GatewayRefusal('INTEGRATION_ERROR');
  }
  await copyStream(call, prelude, body);
}

export async function answerByFunction(call: IntegrationCall): Promise<void> {
  try {
    await (call.integration.transfer === 'STREAM' ? answerStream(call) : answerBuffered(call));
  } catch (error) {
    throw refusalOf(error);
  }
}
