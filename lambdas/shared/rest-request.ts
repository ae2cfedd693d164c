/**
 * API Gateway's event → an operation's parsed input and its caller. Everything that a client sent
 * is read here, once, by the operation's own schemas.
 */
import type { APIGatewayProxyEvent } from 'aws-lambda';
import * as z from 'zod/mini';
import { AppError } from '../../contract/errors.ts';
import { LIMITS } from '../../contract/limits.ts';
import {
  type InputOf,
  OPERATION_IDS,
  type OperationId,
  operationOf,
} from '../../contract/operations.ts';
import { parse } from '../../contract/parse.ts';
import { Bytes, type Operation } from '../../contract/rest/operation.ts';
import type { Caller } from '../../core/account/caller.ts';
import { assertRole } from '../../core/account/roles.ts';
import { callerFrom } from './caller-context.ts';
import { invalid, refusePrototype, untrustedJson } from './untrusted-json.ts';

export interface RestRequest<Id extends OperationId> extends InputOf<Id> {
  readonly caller: Caller;
  /** By lower-case name. */
  header(name: string): string | undefined;
  readonly requestId: string;
  readonly domainName: string;
  readonly stage: string;
}

const BY_ROUTE = new Map<string, OperationId>(
  OPERATION_IDS.map((id) => [`${operationOf(id).method} /v1${operationOf(id).path}`, id] as const),
);

/** The operation of a route, as the template spells it. */
export function operationIdOf(event: APIGatewayProxyEvent): OperationId {
  const id = BY_ROUTE.get(`${event.httpMethod} ${event.resource}`);
  if (!id) throw new AppError('NOT_FOUND', `There is no ${event.httpMethod} ${event.path}.`);
  return id;
}

export function readRequest<Id extends OperationId>(
  event: APIGatewayProxyEvent,
  id: Id,
): RestRequest<Id> {
  const row = operationOf(id);
  const headers = new Map(
    Object.entries(event.headers ?? {}).map(
      ([name, value]) => [name.toLowerCase(), value] as const,
    ),
  );
  const caller = readCaller(event, row);
  return {
    params: row.params ? parse(row.params, event.pathParameters ?? {}, 'path') : undefined,
    query: readQuery(event, row),
    body: row.body ? readBody(event, row, row.body, headers) : undefined,
    caller,
    header: (name) => headers.get(name),
    requestId: event.requestContext.requestId,
    domainName: event.requestContext.domainName ?? 'localhost',
    stage: event.requestContext.stage,
  } as RestRequest<Id>;
}

function readCaller(event: APIGatewayProxyEvent, row: Operation): Caller | undefined {
  if (row.role === 'anyone') return undefined;
  const caller = callerFrom(event.requestContext.authorizer);
  assertRole(caller.role, row.role);
  return caller;
}

function readQuery(event: APIGatewayProxyEvent, row: Operation): unknown {
  const query = event.queryStringParameters ?? {};
  for (const [name, values] of Object.entries(event.multiValueQueryStringParameters ?? {})) {
    if ((values ?? []).length > 1)
      throw invalid('query', name, `must be given once, got ${values?.length} times`);
  }
  refusePrototype(query, 'query');
  return parse(row.query ?? z.strictObject({}), query, 'query');
}

function readBody(
  event: APIGatewayProxyEvent,
  row: Operation,
  schema: z.core.$ZodType,
  headers: ReadonlyMap<string, string | undefined>,
): unknown {
  if (schema === Bytes) return readBytes(event);
  const isLeftOut = row.bodyOptional && !event.body;
  return parse(schema, isLeftOut ? {} : readJson(event, headers.get('content-type')), 'body');
}

const bytesOf = ({ body, isBase64Encoded }: APIGatewayProxyEvent): Buffer =>
  Buffer.from(body ?? '', isBase64Encoded ? 'base64' : 'utf8');

/** Whatever type they are said to be. */
function readBytes(event: APIGatewayProxyEvent): Uint8Array {
  const bytes = bytesOf(event);
  const allowed = LIMITS.fileRequestBytes;
  if (bytes.length <= allowed) return bytes;
  throw new AppError(
    'FILE_TOO_LARGE',
    `The body must be at most ${allowed} bytes, got ${bytes.length}. Send a larger file by an upload: POST …/uploads.`,
    { details: { field: 'body', sizeBytes: bytes.length, allowed } },
  );
}

function readJson(event: APIGatewayProxyEvent, contentType: string | undefined): unknown {
  if (!/^application\/json\s*(;|$)/i.test(contentType ?? '')) {
    throw new AppError(
      'UNSUPPORTED_MEDIA_TYPE',
      `Content-Type must be application/json, got ${contentType ?? 'none'}.`,
      {
        details: { allowed: ['application/json'] },
      },
    );
  }
  const bytes = bytesOf(event);
  if (bytes.length > LIMITS.requestBytes) {
    throw new AppError(
      'PAYLOAD_TOO_LARGE',
      `The body must be at most ${LIMITS.requestBytes} bytes, got ${bytes.length}.`,
      {
        details: { bytes: bytes.length, allowedBytes: LIMITS.requestBytes },
      },
    );
  }
  return untrustedJson(bytes, 'body', 2);
}
