/**
 * The doors of the E2B wire: `/e2b/envd/…` is what its clients find at port 49983. Owns who may enter: the
 * access token, which opens nothing else. Must never hold behaviour of its own: it tells what our parts do.
 */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { AppError } from '../../../contract/errors.ts';
import { LIMITS } from '../../../contract/limits.ts';
import type { Sandbox } from '../sandbox.ts';
import { parseJson, readBytes } from '../server/body.ts';
import { mediaType } from '../server/cross-site.ts';
import {
  type ConnectMethod,
  MessageStream,
  messageIn,
  STREAM_TYPE,
  streamCall,
  UNARY_TYPE,
} from './connect.ts';
import { ConnectError, connectErrorOf } from './connect-errors.ts';
import { PROCESS_METHODS } from './process-service.ts';

export const E2B_PREFIX = '/e2b/';
const ENVD = '/e2b/envd';
/** All of them need a token that no web page has. */
export const E2B_BODY_TYPES = [UNARY_TYPE, STREAM_TYPE, 'application/octet-stream'];

/** The user that user code runs as; there is no other to be had. */
const USER = 'user';

const METHODS: Readonly<Record<string, ConnectMethod>> = { ...PROCESS_METHODS };

export interface E2bExchange {
  readonly sandbox: Sandbox;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
}

export async function answerE2b(exchange: E2bExchange): Promise<void> {
  const { sandbox, request, response, path } = exchange;
  try {
    const route = path.startsWith(`${ENVD}/`) ? path.slice(ENVD.length) : '';
    if (request.method === 'GET' && route === '/health') {
      response.writeHead(sandbox.state.initialized && !sandbox.state.draining ? 204 : 502).end();
      return;
    }
    authorize(sandbox, request.headers);
    const method = Object.hasOwn(METHODS, route) ? METHODS[route] : undefined;
    if (request.method !== 'POST' || !method)
      throw new ConnectError(
        'unimplemented',
        `there is no ${request.method} ${path.slice(0, 200)}`,
      );
    await answerCall(exchange, method);
  } catch (error) {
    fail(exchange, error);
  }
}

function authorize(sandbox: Sandbox, headers: IncomingHttpHeaders): void {
  const token = headers['x-access-token'];
  sandbox.state.authorizeAccess(typeof token === 'string' ? token : undefined);
  const [, encoded] = /^Basic ([A-Za-z0-9+/]+=*)$/i.exec(headers.authorization ?? '') ?? [];
  const user = Buffer.from(encoded ?? '', 'base64')
    .toString()
    .split(':')[0];
  if (encoded !== undefined && user !== USER)
    throw new ConnectError(
      'unauthenticated',
      `invalid username: '${user?.slice(0, 32)}'; there is no user but '${USER}'`,
    );
}

async function answerCall(exchange: E2bExchange, method: ConnectMethod): Promise<void> {
  const { sandbox, request, response } = exchange;
  const wanted = method.kind === 'stream' ? STREAM_TYPE : UNARY_TYPE;
  if (mediaType(request.headers) !== wanted)
    throw new AppError('UNSUPPORTED_MEDIA_TYPE', `content-type: must be ${wanted}`);
  const body = await readBytes(request, LIMITS.requestBytes);
  if (method.kind === 'unary') {
    sendJson(response, 200, await method.call(sandbox, parseJson(body)));
    return;
  }
  const messages = new MessageStream(response);
  try {
    await method.call(streamCall(sandbox, request.headers, messages), messageIn(body));
  } catch (error) {
    noteFailure(sandbox, error);
    messages.end(error);
  }
}

function fail({ sandbox, request, response }: E2bExchange, error: unknown): void {
  noteFailure(sandbox, error);
  if (response.headersSent || request.socket.destroyed) {
    response.destroy();
    return;
  }
  const shown = connectErrorOf(error);
  const isType = error instanceof AppError && error.code === 'UNSUPPORTED_MEDIA_TYPE';
  if (!request.complete) response.setHeader('connection', 'close');
  sendJson(response, isType ? 415 : shown.status, shown.body);
}

function noteFailure({ log }: Sandbox, error: unknown): void {
  if (error instanceof AppError || error instanceof ConnectError) return;
  log.error('a request of the E2B wire failed', { error: String(error) });
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, {
    'content-type': UNARY_TYPE,
    'content-length': bytes.length,
    'cache-control': 'no-store',
  });
  response.end(bytes);
}
