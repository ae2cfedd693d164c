/**
 * The doors of the E2B wire: `/e2b/envd/…` is what its clients find at port 49983, and `/e2b/interpreter/…` what
 * they find at 49999. Owns who may enter: the
 * access token, which opens nothing else. Must never hold behaviour of its own: it tells what our parts do.
 */
import type { IncomingHttpHeaders } from 'node:http';
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
import type { E2bExchange } from './exchange.ts';
import { FILESYSTEM_METHODS } from './filesystem-service.ts';
import { type Failure, PLAIN_ROUTES, type PlainRoute } from './plain-routes.ts';
import { PROCESS_METHODS } from './process-service.ts';
import { WATCHER_METHODS } from './watchers.ts';

export const E2B_PREFIX = '/e2b/';
const ENVD = '/e2b/envd';
/** All of them need a token that no web page has. */
export const E2B_BODY_TYPES = [
  UNARY_TYPE,
  STREAM_TYPE,
  'application/octet-stream',
  'multipart/form-data',
];

/** The user that user code runs as; there is no other to be had. */
const USER = 'user';

const METHODS: Readonly<Record<string, ConnectMethod>> = {
  ...PROCESS_METHODS,
  ...FILESYSTEM_METHODS,
  ...WATCHER_METHODS,
};

export async function answerE2b(exchange: E2bExchange): Promise<void> {
  const { request, path } = exchange;
  if (request.method === 'GET' && answerHealth(exchange)) return;
  const [plain, id] = plainRoute(request.method, path);
  try {
    authorize(exchange);
    if (plain) {
      const body = await plain.handle(exchange, id);
      if (body !== undefined) sendJson(exchange, 200, body);
      return;
    }
    const name = path.startsWith(`${ENVD}/`) ? path.slice(ENVD.length) : '';
    const method = Object.hasOwn(METHODS, name) ? METHODS[name] : undefined;
    if (request.method !== 'POST' || !method)
      throw new ConnectError(
        'unimplemented',
        `there is no ${request.method} ${path.slice(0, 200)}`,
      );
    await answerCall(exchange, method);
  } catch (error) {
    fail(exchange, error, plain?.tell ?? connectFailure);
  }
}

/** Open to all; what is ending is told as gone. */
function answerHealth({ sandbox, response, path }: E2bExchange): boolean {
  const isUp = sandbox.state.initialized && !sandbox.state.draining;
  if (path === `${ENVD}/health`) response.writeHead(isUp ? 204 : 502).end();
  else if (path === '/e2b/interpreter/health') response.writeHead(isUp ? 200 : 502).end('"OK"');
  else return false;
  return true;
}

function plainRoute(method: string | undefined, path: string): [PlainRoute | undefined, string] {
  for (const route of PLAIN_ROUTES) {
    const [, id = ''] = route.pattern.exec(path) ?? [undefined];
    if (route.method === method && route.pattern.test(path)) return [route, id];
  }
  return [undefined, ''];
}

function authorize({ sandbox, request, query }: E2bExchange): void {
  const { headers } = request;
  const token = headers['x-access-token'];
  sandbox.state.authorizeAccess(typeof token === 'string' ? token : undefined);
  const user = query.get('username') ?? userIn(headers);
  if (user !== undefined && user !== USER)
    throw new ConnectError(
      'unauthenticated',
      `invalid username: '${user.slice(0, 32)}'; there is no user but '${USER}'`,
    );
}

function userIn({ authorization }: IncomingHttpHeaders): string | undefined {
  const encoded = /^Basic ([A-Za-z0-9+/]+=*)$/i.exec(authorization ?? '')?.[1];
  return encoded === undefined
    ? undefined
    : Buffer.from(encoded, 'base64').toString().split(':')[0];
}

async function answerCall(exchange: E2bExchange, method: ConnectMethod): Promise<void> {
  const { sandbox, request, response } = exchange;
  const wanted = method.kind === 'stream' ? STREAM_TYPE : UNARY_TYPE;
  if (mediaType(request.headers) !== wanted)
    throw new AppError('UNSUPPORTED_MEDIA_TYPE', `content-type: must be ${wanted}`);
  const body = await readBytes(request, LIMITS.requestBytes);
  if (method.kind === 'unary') {
    sendJson(exchange, 200, await method.call(sandbox, parseJson(body)));
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

function fail(exchange: E2bExchange, error: unknown, tell: (error: unknown) => Failure): void {
  const { sandbox, request, response } = exchange;
  noteFailure(sandbox, error);
  if (response.headersSent || request.socket.destroyed) {
    response.destroy();
    return;
  }
  // What is left of a body that was not read must not be taken for the next request.
  if (!request.complete) response.setHeader('connection', 'close');
  const { status, body } = tell(error);
  if (typeof body === 'string') sendBytes(exchange, status, ['text/plain; charset=utf-8', body]);
  else sendJson(exchange, status, body);
}

function connectFailure(error: unknown): Failure {
  const { status, body } = connectErrorOf(error);
  const isType = error instanceof AppError && error.code === 'UNSUPPORTED_MEDIA_TYPE';
  return { status: isType ? 415 : status, body };
}

function noteFailure({ log }: Sandbox, error: unknown): void {
  if (error instanceof AppError || error instanceof ConnectError) return;
  log.error('a request of the E2B wire failed', { error: String(error) });
}

function sendJson(exchange: E2bExchange, status: number, body: object | null): void {
  sendBytes(exchange, status, [UNARY_TYPE, JSON.stringify(body)]);
}

function sendBytes(
  { response }: E2bExchange,
  status: number,
  [type, text]: readonly [string, string],
): void {
  const bytes = Buffer.from(text);
  response.writeHead(status, {
    'content-type': type,
    'content-length': bytes.length,
    'cache-control': 'no-store',
  });
  response.end(bytes);
}
