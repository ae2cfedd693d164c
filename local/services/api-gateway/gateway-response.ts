/**
 * API Gateway's own answers: the closed table of response types, and how a template's GatewayResponse changes one.
 * A function's answer never comes through here.
 */
import type { ServerResponse } from 'node:http';
import type { GatewayResponseDefinition, RestApiDefinition } from './definition.ts';
import { type GatewayRequest, headerOf } from './request.ts';

const responseTypes = {
  ACCESS_DENIED: [403, 'AccessDeniedException', 'User is not authorized to access this resource'],
  API_CONFIGURATION_ERROR: [500, 'InternalServerErrorException', 'Internal server error'],
  AUTHORIZER_CONFIGURATION_ERROR: [500, 'AuthorizerConfigurationException', null],
  BAD_REQUEST_PARAMETERS: [400, 'BadRequestException', 'Bad Request'],
  /** What a function that fails or answers nonsense gives; it has no response type but the default one. */
  INTEGRATION_ERROR: [502, 'InternalServerErrorException', 'Internal server error'],
  INTEGRATION_TIMEOUT: [504, 'InternalServerErrorException', 'Endpoint request timed out'],
  MISSING_AUTHENTICATION_TOKEN: [
    403,
    'MissingAuthenticationTokenException',
    'Missing Authentication Token',
  ],
  REQUEST_TOO_LARGE: [413, 'RequestTooLargeException', 'Request Entity Too Large'],
  UNAUTHORIZED: [401, 'UnauthorizedException', 'Unauthorized'],
} as const satisfies Record<string, readonly [number, string, string | null]>;

export type GatewayResponseType = keyof typeof responseTypes;

/** A refusal by API Gateway itself; the server turns it into the response that the template defines. */
export class GatewayRefusal extends Error {
  override readonly name = 'GatewayRefusal';
  readonly type: GatewayResponseType;
  readonly detail: string | undefined;

  constructor(type: GatewayResponseType, options: { detail?: string; cause?: unknown } = {}) {
    super(`${type}: ${options.detail ?? responseTypes[type][2]}`, { cause: options.cause });
    this.type = type;
    this.detail = options.detail;
  }

  get statusCode(): number {
    return responseTypes[this.type][0];
  }

  /** What the caller is told. */
  get text(): string {
    return this.detail ?? responseTypes[this.type][2] ?? 'Internal server error';
  }
}

export interface RefusedRequest {
  readonly request: GatewayRequest;
  readonly api: RestApiDefinition;
  /** The request context of an event; templates read it as `$context`. */
  readonly context: Readonly<Record<string, unknown>>;
}

function lookUp(root: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (value, name) =>
        typeof value === 'object' && value !== null
          ? (value as Record<string, unknown>)[name]
          : undefined,
      root,
    );
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

/** Gateway responses know variables only, no template language. */
function fillTemplate(template: string, variables: Readonly<Record<string, unknown>>): string {
  return template.replaceAll(
    /\$(context|stageVariables)\.([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)/g,
    (_, root: string, path: string) => textOf(lookUp(variables[root], path)),
  );
}

/** A header's value is `'literal'`, `context.…`, `stageVariables.…` or `method.request.header.…`. */
function headerValue(expression: string, { request }: RefusedRequest, variables: object): string {
  const literal = /^'(.*)'$/s.exec(expression)?.[1];
  if (literal !== undefined) return literal;
  const header = /^method\.request\.header\.(.+)$/.exec(expression)?.[1];
  return header === undefined
    ? textOf(lookUp(variables, expression))
    : (headerOf(request, header) ?? '');
}

function definitionOf(
  api: RestApiDefinition,
  type: string,
  statusCode: number,
): GatewayResponseDefinition | undefined {
  return (
    api.gatewayResponses.get(type) ??
    api.gatewayResponses.get(statusCode < 500 ? 'DEFAULT_4XX' : 'DEFAULT_5XX')
  );
}

/** The template for what the client accepts, else the JSON one, else the only one. */
function chooseTemplate(
  templates: Readonly<Record<string, string>>,
  accept: string | undefined,
): readonly [contentType: string, template: string] {
  const accepted = (accept ?? '').split(',').map((part) => (part.split(';')[0] ?? '').trim());
  const contentType =
    [...accepted, 'application/json', ...Object.keys(templates)].find(
      (type) => type in templates,
    ) ?? 'application/json';
  return [contentType, templates[contentType] ?? '{"message":$context.error.messageString}'];
}

export function sendGatewayResponse(
  refusal: GatewayRefusal,
  refused: RefusedRequest,
  response: ServerResponse,
): void {
  const { api, request } = refused;
  const [defaultStatus, errorType, defaultMessage] = responseTypes[refusal.type];
  const definition = definitionOf(api, refusal.type, defaultStatus);
  const message = refusal.detail ?? defaultMessage;
  const error = { message, messageString: JSON.stringify(message), responseType: refusal.type };
  const variables = {
    context: { ...refused.context, error },
    stageVariables: api.stageVariables,
  };
  const [contentType, template] = chooseTemplate(
    definition?.templates ?? {},
    headerOf(request, 'accept'),
  );
  const body = fillTemplate(template, variables);
  const headers = Object.entries(definition?.headers ?? {}).map(
    ([name, expression]) => [name, headerValue(expression, refused, variables)] as const,
  );
  // What a malformed function answer has already set must not show.
  for (const name of response.getHeaderNames()) {
    if (name !== 'connection') response.removeHeader(name);
  }
  response.writeHead(definition?.statusCode ?? defaultStatus, {
    'Content-Type': contentType,
    'Content-Length': Buffer.byteLength(body),
    'x-amzn-RequestId': request.requestId,
    'x-amz-apigw-id': request.extendedRequestId,
    'x-amzn-ErrorType': errorType,
    ...Object.fromEntries(headers),
  });
  response.end(body);
}
