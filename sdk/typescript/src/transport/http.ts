/**
 * One HTTP exchange with the API: the request from the contract's row, the answer by its schema,
 * every failure as one of ours. It never repeats anything: that is decided in retry.ts.
 */
import * as z from 'zod/mini';
import { AppError, ErrorBody } from '../../../../contract/errors.ts';
import { type OperationId, type Operations, operationOf } from '../../../../contract/operations.ts';
import { parse } from '../../../../contract/parse.ts';
import { Bytes, Nothing, type Operation } from '../../../../contract/rest/operation.ts';
import type { Endpoint } from '../config.ts';
import {
  CodeInterpreterError,
  ConnectionError,
  type ErrorFacts,
  invalidAnswer,
} from '../errors.ts';
import type { SocketClient } from './socket/client.ts';
import { type Timing, withDeadline } from './timing.ts';
import type { Ways } from './ways.ts';

/** What every call needs. One per client. */
export interface Api {
  /** Looked up at the first call, since reading a file takes a promise. */
  readonly endpoint: () => Promise<Endpoint>;
  readonly fetch: typeof globalThis.fetch;
  readonly timing: Timing;
  readonly ways: Ways;
  readonly socket: SocketClient;
}

type Answers<Id extends OperationId> = Operations[Id]['answers'];
export type AnswerOf<Id extends OperationId> = z.output<
  Extract<Answers<Id>[keyof Answers<Id>], z.core.$ZodType>
>;
type BodyInput<Id extends OperationId> = Operations[Id] extends {
  body: infer B extends z.core.$ZodType;
}
  ? z.input<B>
  : never;

export interface CallInput<Id extends OperationId> {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: BodyInput<Id>;
  readonly headers?: Readonly<Record<string, string>>;
  /** The server does what is asked once for a key, however often it is asked. */
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal | undefined;
}

/** A server newer than this SDK may answer a code that is not in our table. */
const Failure = z.object({
  success: z.literal(false),
  error: z.extend(ErrorBody, { code: z.string() }),
});
const Success = z.object({ success: z.literal(true), data: z.unknown() });

/** Sends, and answers as soon as the head of the answer is here. `signal` holds for the body too. */
export async function send<Id extends OperationId>(
  api: Api,
  id: Id,
  input: CallInput<Id>,
): Promise<Response> {
  const row = operationOf(id);
  const { baseUrl, apiKey } = await api.endpoint();
  const url = `${baseUrl}${pathOf(row, input.params ?? {})}${queryOf(input.query ?? {})}`;
  const { fetch } = api;
  try {
    return await fetch(url, {
      method: row.method,
      headers: {
        Accept: 'application/json',
        'X-API-Key': apiKey,
        ...(input.body === undefined ? {} : { 'Content-Type': typeOf(input.body) }),
        ...(input.idempotencyKey === undefined ? {} : { 'Idempotency-Key': input.idempotencyKey }),
        ...input.headers,
      },
      // A redirect would carry the key to another host.
      redirect: 'error',
      cache: 'no-store',
      credentials: 'omit',
      ...(input.body === undefined ? {} : { body: bodyOf(input.body) }),
      ...(input.signal ? { signal: input.signal } : {}),
    });
  } catch (cause) {
    throw unreachable(cause, `${row.method} ${url}`);
  }
}

/** Sends and reads the whole answer, within {@link Timing.requestMs}. */
export async function exchange<Id extends OperationId>(
  api: Api,
  id: Id,
  input: CallInput<Id>,
): Promise<AnswerOf<Id>> {
  try {
    return await withDeadline(api.timing.requestMs, input.signal, async (signal) => {
      const response = await send(api, id, { ...input, signal });
      const schema = operationOf(id).answers[response.status] ?? z.never();
      return (await readAnswer(id, response, schema)) as AnswerOf<Id>;
    });
  } catch (error) {
    input.signal?.throwIfAborted();
    throw error;
  }
}

const typeOf = (body: unknown): string =>
  body instanceof Uint8Array ? 'application/octet-stream' : 'application/json';

const bodyOf = (body: unknown): NonNullable<RequestInit['body']> =>
  body instanceof Uint8Array ? (body as Uint8Array<ArrayBuffer>) : JSON.stringify(body);

/** The data of an answer, or its error thrown. */
export async function readAnswer<S extends z.core.$ZodType>(
  id: OperationId,
  response: Response,
  schema: S,
): Promise<z.output<S>> {
  const form: z.core.$ZodType = schema;
  if (form === Bytes || form === Nothing)
    return (await readBytes(id, response, form)) as z.output<S>;
  const text = await response.text().catch((cause: unknown) => {
    throw unreachable(cause, `reading the answer of ${id}`);
  });
  // Nothing was asked for but that it is done.
  if (response.status === 204) return parse(schema, undefined, `answer of ${id}`);
  const json = jsonOf(text);
  const requestId = response.headers.get('x-request-id') ?? undefined;
  const facts = { status: response.status, requestId };
  const failure = z.safeParse(Failure, json);
  if (failure.success) throw failed(failure.data.error, response);
  const success = z.safeParse(Success, json);
  if (!success.success) throw notOurs(id, response, { facts, brokeOff: json === undefined });
  try {
    return parse(schema, success.data.data, `answer of ${id}`);
  } catch (cause) {
    throw invalidAnswer(`The answer of ${id} has another shape: ${messageOf(cause)}`, {
      ...facts,
      cause,
    });
  }
}

async function readBytes(id: OperationId, response: Response, schema: z.core.$ZodType) {
  const bytes = await response.arrayBuffer().catch((cause: unknown) => {
    throw unreachable(cause, `reading the answer of ${id}`);
  });
  return schema === Bytes ? new Uint8Array(bytes) : undefined;
}

/** An answer that is none of the API's: from a proxy, of another server, or only half of one. */
function notOurs(
  id: OperationId,
  { status, headers }: Response,
  { facts, brokeOff }: { facts: ErrorFacts; brokeOff: boolean },
): CodeInterpreterError {
  const type = headers.get('content-type') ?? 'no content type';
  if (brokeOff && type.startsWith('application/json')) {
    return new ConnectionError(`The answer of ${id} broke off.`, { ...facts, retryable: true });
  }
  const what = `${id} was answered ${status} (${type}), which is not this API's form`;
  // Proxies and gateways answer for a server that is away; a 2xx or 4xx is no such thing.
  return status < 500
    ? invalidAnswer(`${what}. Does the base URL end in /api/v1?`, facts)
    : new ConnectionError(`${what}.`, { ...facts, retryable: true });
}

function failed(
  error: z.infer<typeof Failure>['error'],
  { status, headers }: Response,
): CodeInterpreterError {
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  return new CodeInterpreterError(error.code, error.message, {
    status,
    requestId: error.requestId,
    retryable: error.retryable,
    details: error.details,
    retryAfterMs: Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined,
  });
}

/** Schema first, so that no id can climb out of its path. */
function pathOf(row: Operation, params: Readonly<Record<string, string>>): string {
  try {
    if (row.params) parse(row.params, params, 'path');
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw new CodeInterpreterError(error.code, error.message, { details: error.details });
  }
  return row.path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(params[name] ?? ''),
  );
}

function queryOf(query: Readonly<Record<string, string | number | undefined>>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) search.set(name, String(value));
  }
  return search.size === 0 ? '' : `?${search.toString()}`;
}

export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Whoever reads the value checks its shape, and `undefined` has none.
    return undefined;
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

/** Fails before a byte was sent: whatever was asked for cannot have happened. */
const NEVER_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT']);

function unreachable(cause: unknown, what: string): ConnectionError {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  const code = (inner as { code?: unknown } | undefined)?.code;
  const neverSent = typeof code === 'string' && NEVER_SENT.has(code);
  const reason = neverSent ? `${code}: is the deployment running?` : messageOf(inner);
  return new ConnectionError(`No answer to ${what} (${reason})`, {
    cause,
    retryable: true,
    details: { neverSent },
  });
}
