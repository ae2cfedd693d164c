/**
 * Serves one REST API on its own port: limits, route, authorizer, integration, in the order of API Gateway.
 * It knows the API's definition and how to call functions, nothing else. The HTTP server can host more (`server`).
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { FunctionInvoker } from '../lambda/types.ts';
import { authorize } from './authorizer.ts';
import type { RestApiDefinition } from './definition.ts';
import { answerByFunction } from './function-integration.ts';
import { GatewayRefusal, sendGatewayResponse } from './gateway-response.ts';
import { answerMock } from './mock-integration.ts';
import {
  type GatewayRequest,
  payloadLimitBytes,
  readRequest,
  requestContextOf,
} from './request.ts';
import { type RouteMatch, Router } from './router.ts';

/** API Gateway's limit on request line and headers together. */
const headerLimitBytes = 10_240;

/** Who takes over connections that are to speak another protocol. */
export interface UpgradeHost {
  wants(incoming: IncomingMessage): boolean;
  take(incoming: IncomingMessage, socket: Duplex, head: Buffer): void;
}

export interface RestServerOptions {
  readonly api: RestApiDefinition;
  readonly invoker: FunctionInvoker;
  /** Failures that the client only sees as a 5xx. */
  readonly log: (message: string) => void;
  /** Silence after which a stream is cut: 5 minutes for a REGIONAL API. */
  readonly streamIdleMs?: number;
  readonly upgrades?: UpgradeHost | undefined;
}

interface Exchange {
  readonly incoming: IncomingMessage;
  readonly request: GatewayRequest;
  readonly response: ServerResponse;
}

async function readBody(incoming: IncomingMessage): Promise<Buffer> {
  if (Number(incoming.headers['content-length'] ?? 0) > payloadLimitBytes)
    throw new GatewayRefusal('REQUEST_TOO_LARGE');
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > payloadLimitBytes) throw new GatewayRefusal('REQUEST_TOO_LARGE');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export class RestServer implements AsyncDisposable {
  readonly server: Server;
  readonly #options: RestServerOptions;
  readonly #router: Router;
  #closing = false;

  constructor(options: RestServerOptions) {
    this.#options = options;
    this.#router = new Router(options.api.methods);
    this.server = createServer(
      {
        maxHeaderSize: headerLimitBytes,
        headersTimeout: 10_000,
        requestTimeout: 60_000,
        keepAliveTimeout: 60_000,
        // Some HTTP clients offer an upgrade with every request: those are requests as any other.
        shouldUpgradeCallback: (incoming) => options.upgrades?.wants(incoming) ?? false,
      },
      (incoming, response) => {
        void this.#serve({ incoming, response, request: readRequest(incoming) });
      },
    );
    this.server.on('upgrade', (incoming, socket, head) =>
      options.upgrades?.take(incoming, socket, head),
    );
  }

  /** Starts to listen on a loopback address; port 0 takes any free one. Answers the URL of the stage. */
  async listen(port: number): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, '127.0.0.1', () => {
        this.server.off('error', reject);
        resolve();
      });
    });
    const address = this.server.address() as AddressInfo;
    return `http://127.0.0.1:${address.port}/${this.#options.api.stageName}`;
  }

  /** Takes no more requests; those that run have `graceMs` to end, then their connections are cut. */
  async close(graceMs = 0): Promise<void> {
    if (!this.server.listening) return;
    this.#closing = true;
    const closed = new Promise<void>((resolve) => {
      this.server.close(() => resolve());
    });
    const cut = setTimeout(() => this.server.closeAllConnections(), graceMs);
    await closed;
    clearTimeout(cut);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #serve(exchange: Exchange): Promise<void> {
    const { api } = this.#options;
    const { request, response } = exchange;
    // An aborted request or response has nobody left to tell.
    response.on('error', () => {});
    // Kept alive for a next request that a closing gateway would not take.
    response.on('close', () => {
      if (this.#closing) setImmediate(() => this.server.closeIdleConnections());
    });
    if (request.stage !== api.stageName) return this.#forbid(exchange);
    const match = this.#router.match(request.httpMethod, request.path);
    const context = requestContextOf(
      request,
      api,
      match?.method ?? { resourceId: '', resourcePath: request.path },
    );
    try {
      await this.#answer(exchange, context, match);
    } catch (error) {
      this.#refuse(error, exchange, context);
    }
    return undefined;
  }

  async #answer(
    { incoming, request, response }: Exchange,
    plainContext: Record<string, unknown>,
    match: RouteMatch | undefined,
  ): Promise<void> {
    const { api, invoker, streamIdleMs = 300_000 } = this.#options;
    const body = await readBody(incoming);
    if (match === undefined) throw new GatewayRefusal('MISSING_AUTHENTICATION_TOKEN');
    const { authorizer, integration } = match.method;
    if (integration.kind === 'mock') {
      answerMock(integration, { binaryMediaTypes: api.binaryMediaTypes, request, response });
      return;
    }
    const context =
      authorizer === undefined
        ? plainContext
        : {
            ...plainContext,
            authorizer: await authorize({
              invoker,
              api,
              authorizer,
              request,
              match,
              context: plainContext,
            }),
          };
    await answerByFunction({
      invoker,
      api,
      integration,
      request,
      match,
      context,
      body,
      response,
      streamIdleMs,
    });
  }

  #refuse(
    error: unknown,
    { incoming, request, response }: Exchange,
    context: Record<string, unknown>,
  ): void {
    // Head sent, or the client gone in the middle of its request: no answer can reach anyone.
    if (response.headersSent || incoming.errored !== null) {
      response.destroy();
      return;
    }
    const refusal =
      error instanceof GatewayRefusal
        ? error
        : new GatewayRefusal('API_CONFIGURATION_ERROR', { cause: error });
    if (refusal.cause !== undefined) {
      const { httpMethod, path, requestId } = request;
      this.#options.log(
        `${httpMethod} ${path} ${requestId} ${refusal.message} (${describe(refusal.cause)})`,
      );
    }
    // A body that was not read to its end must not be taken for the next request.
    if (!incoming.complete) response.setHeader('Connection', 'close');
    sendGatewayResponse(refusal, { request, api: this.#options.api, context }, response);
  }

  /** A stage that does not exist: no API stands behind the name, so no gateway response applies. */
  #forbid({ request, response }: Exchange): void {
    response.writeHead(403, {
      'Content-Type': 'application/json',
      'x-amzn-RequestId': request.requestId,
      'x-amzn-ErrorType': 'ForbiddenException',
      Connection: 'close',
    });
    response.end('{"message":"Forbidden"}');
  }
}

function describe(cause: unknown): string {
  if (cause instanceof Error) return cause.message;
  return JSON.stringify(cause);
}
