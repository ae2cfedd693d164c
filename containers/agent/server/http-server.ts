/**
 * The agent's HTTP server on TCP and on a unix socket. Owns authorization before any route, the
 * bounds on slow and many connections, and the answer to every failure. User code shares the TCP
 * port: it must never be able to keep others from it, nor reach a route without the token.
 */
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { AppError } from '../../../contract/errors.ts';
import { answerE2b, E2B_BODY_TYPES, E2B_PREFIX } from '../e2b/server.ts';
import type { Log } from '../log.ts';
import type { Sandbox } from '../sandbox.ts';
import { refuseCrossSite } from './cross-site.ts';
import { InitGate } from './init-gate.ts';
import { answerFor } from './problems.ts';
import { ROUTES } from './routes.ts';
import { allowSlowBody, limitBody } from './slow-body.ts';

const BOUNDS = {
  headersTimeout: 3_000,
  // Ours is by request: see slow-body.ts.
  requestTimeout: 0,
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 1_000,
  // A path of 4096 bytes, each percent-encoded, and the rest.
  maxHeaderSize: 16 * 1024,
} as const;
const MAX_HEADERS = 64;
const MAX_CONNECTIONS = 512;
/** Of one address: user code reaches the port over loopback and the task's own address. */
const MAX_CONNECTIONS_EACH = 64;

export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  /** Empty for none. */
  readonly socketPath: string;
}

export class AgentServer implements AsyncDisposable {
  readonly #sandbox: Sandbox;
  readonly #log: Log;
  readonly #initGate = new InitGate();
  readonly #servers: Server[] = [];
  readonly #connections = new Map<string, number>();

  constructor(sandbox: Sandbox) {
    this.#sandbox = sandbox;
    this.#log = sandbox.log;
  }

  /** Answers the TCP port. */
  async listen({ host, port, socketPath }: ListenOptions): Promise<number> {
    const tcp = this.#create();
    tcp.on('connection', (socket) => this.#bound(socket));
    await listening(tcp, { host, port });
    if (socketPath !== '') {
      rmSync(socketPath, { force: true });
      // Made closed: a chmod afterwards would leave it open for an instant.
      const mask = process.umask(0o177);
      try {
        await listening(this.#create(), { path: socketPath });
      } finally {
        process.umask(mask);
      }
      chmodSync(socketPath, 0o600);
    }
    return (tcp.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) {
      server.close();
      server.closeAllConnections();
    }
  }

  #create(): Server {
    const server = createServer(BOUNDS, (request, response) => {
      limitBody(request);
      void this.#answer(request, response);
    });
    server.maxHeadersCount = MAX_HEADERS;
    server.maxConnections = MAX_CONNECTIONS;
    this.#servers.push(server);
    return server;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const answer = await this.#route(request, response);
      if (answer) sendJson(response, answer.status, answer.body);
    } catch (error) {
      this.#fail(request, response, error);
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse) {
    const url = URL.parse(request.url ?? '/', 'http://agent');
    const path = url?.pathname ?? '';
    if (path.startsWith(E2B_PREFIX)) {
      refuseCrossSite(request.headers, E2B_BODY_TYPES);
      const query = url?.searchParams ?? new URLSearchParams();
      return answerE2b({ sandbox: this.#sandbox, request, response, path, query });
    }
    refuseCrossSite(request.headers);
    const match = ROUTES.filter((route) => route.method === request.method)
      .map((route) => ({ route, parts: route.pattern.exec(path) }))
      .find(({ parts }) => parts !== null);
    // The token comes first: who has none learns nothing, not even which routes there are.
    if (match?.route.open !== true) this.#sandbox.state.authorize(request.headers.authorization);
    if (!match || !url)
      throw new AppError('NOT_FOUND', `there is no ${request.method} ${path.slice(0, 200)}`);
    if (match.route.slowBody) allowSlowBody(request);
    const [, id = ''] = match.parts ?? [];
    return match.route.handle({
      sandbox: this.#sandbox,
      initGate: this.#initGate,
      request,
      response,
      query: url.searchParams,
      id,
    });
  }

  #fail(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    if (response.headersSent || request.socket.destroyed) {
      response.destroy();
      return;
    }
    const known = error instanceof AppError;
    if (!known) this.#log.error('a request failed', { error: String(error) });
    const shown = known ? error : new AppError('INTERNAL_ERROR', 'the agent failed');
    const { status, headers, body } = answerFor(shown);
    // What is left of a body that was not read must not be taken for the next request.
    if (!request.complete) response.setHeader('connection', 'close');
    sendJson(response, status, body, headers);
  }

  #bound(socket: Socket): void {
    const address = socket.remoteAddress ?? '';
    const key = address.startsWith('127.') ? 'loopback' : address;
    const count = (this.#connections.get(key) ?? 0) + 1;
    if (count > MAX_CONNECTIONS_EACH) {
      socket.destroy();
      return;
    }
    this.#connections.set(key, count);
    socket.once('close', () => {
      const left = (this.#connections.get(key) ?? 1) - 1;
      if (left > 0) this.#connections.set(key, left);
      else this.#connections.delete(key);
    });
  }
}

function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (body === undefined) {
    response.writeHead(status).end();
    return;
  }
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': bytes.length,
    'cache-control': 'no-store',
    ...headers,
  });
  response.end(bytes);
}

function listening(
  server: Server,
  where: { host: string; port: number } | { path: string },
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, resolve);
  });
}
