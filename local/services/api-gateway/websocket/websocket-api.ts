/**
 * Serves one WebSocket API on a host's HTTP server: handshakes, messages to functions, ends. Messages of one
 * connection run side by side, as on AWS; it knows the API's definition and how to call functions, nothing else.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocketServer } from 'ws';
import { Turns } from '../../../shared/turns.ts';
import type { FunctionInvoker } from '../../lambda/types.ts';
import { readRequest } from '../request.ts';
import { Connection, type ConnectionFacts, type Ending } from './connection.ts';
import type { WebSocketApiDefinition } from './definition.ts';
import { disconnectEvent, messageEvent, newId } from './events.ts';
import { refuseHandshake, shakeHands } from './handshake.ts';
import { AWS_LIMITS, type WebSocketLimits } from './limits.ts';
import { callRoute } from './route-call.ts';
import { selectRoute } from './route-selection.ts';

export interface WebSocketApiOptions {
  readonly api: WebSocketApiDefinition;
  readonly invoker: FunctionInvoker;
  /** Failures of which a client hears no cause. */
  readonly log: (message: string) => void;
  /** Hears of each call of a route. */
  readonly count?: (routeKey: string) => void;
  readonly limits?: Partial<WebSocketLimits>;
}

interface Upgrade {
  readonly incoming: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

/** Handshakes, and as many ends. */
const AT_ONCE = 16;
/** A client that listens answers a good-bye sooner. */
const GOODBYE_MS = 200;

export class WebSocketApi implements AsyncDisposable {
  readonly #options: WebSocketApiOptions;
  readonly #limits: WebSocketLimits;
  readonly #connections = new Map<string, Connection>();
  readonly #subprotocols = new WeakMap<IncomingMessage, string>();
  readonly #server: WebSocketServer;
  readonly #comings = new Turns(AT_ONCE);
  readonly #goings = new Turns(AT_ONCE);
  readonly #handshakes = new Set<Duplex>();
  /** Functions that run for a client that has gone. */
  readonly #farewells = new Set<Promise<void>>();
  #closing = false;

  constructor(options: WebSocketApiOptions) {
    this.#options = options;
    this.#limits = { ...AWS_LIMITS, ...options.limits };
    this.#server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: this.#limits.messageBytes,
      handleProtocols: (_offered, incoming) => this.#subprotocols.get(incoming) ?? false,
    });
  }

  /** The path that it is served at. */
  get path(): string {
    return `/${this.#options.api.stageName}`;
  }

  get arn(): string {
    const { region, accountId, apiId } = this.#options.api;
    return `arn:aws:execute-api:${region}:${accountId}:${apiId}`;
  }

  find(connectionId: string): Connection | undefined {
    return this.#connections.get(connectionId);
  }

  /** Whether a request that asks for an upgrade is for this API. */
  wants(incoming: IncomingMessage): boolean {
    const [path] = (incoming.url ?? '').split('?', 1);
    return path === this.path && incoming.headers.upgrade?.toLowerCase() === 'websocket';
  }

  /** Takes over the connection of such a request. */
  take(incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
    // A client that breaks off in its handshake has nobody left to tell.
    socket.on('error', () => socket.destroy());
    if (this.#closing) {
      socket.destroy();
      return;
    }
    this.#handshakes.add(socket);
    this.#comings
      .run(() => this.#admit({ incoming, socket, head }))
      .catch((error: unknown) => {
        this.#options.log(`$connect: ${describe(error)}`);
        socket.destroy();
      })
      .finally(() => this.#handshakes.delete(socket));
  }

  /** Says good-bye to every client, lets `$disconnect` run for `graceMs`, then cuts what is left. */
  async close(graceMs = 0): Promise<void> {
    this.#closing = true;
    const until = performance.now() + graceMs;
    const connections = [...this.#connections.values()];
    for (const connection of connections) connection.close(1001);
    const ended = Promise.all(connections.map((connection) => connection.ended));
    await atMost(ended, Math.max(graceMs, GOODBYE_MS));
    for (const connection of this.#connections.values()) connection.terminate();
    for (const socket of this.#handshakes) socket.destroy();
    await ended;
    await atMost(Promise.all(this.#farewells), until - performance.now());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #admit(upgrade: Upgrade): Promise<void> {
    const { api, invoker, log, count } = this.#options;
    const { incoming, socket } = upgrade;
    if (socket.destroyed) return;
    count?.('$connect');
    const result = await shakeHands(invoker, api, readRequest(incoming));
    if (!result.admitted) {
      if (result.cause !== undefined) log(`$connect: ${describe(result.cause)}`);
      refuseHandshake(socket, result);
      return;
    }
    if (result.subprotocol !== undefined) this.#subprotocols.set(incoming, result.subprotocol);
    if (this.#closing) socket.destroy();
    this.#open(result.facts, upgrade);
  }

  #open(facts: ConnectionFacts, { incoming, socket, head }: Upgrade): void {
    // The client has left while `$connect` ran, or its handshake is malformed.
    const fail = (): void =>
      this.#end(facts, { code: 1006, reason: 'Connection Closed Abnormally' });
    if (socket.destroyed) {
      fail();
      return;
    }
    socket.once('close', fail);
    this.#server.handleUpgrade(incoming, socket, head, (webSocket) => {
      socket.off('close', fail);
      const connection: Connection = new Connection({
        facts,
        webSocket,
        socket,
        limits: this.#limits,
        onMessage: (text) => void this.#message(connection, text),
        onEnd: (ending) => this.#end(facts, ending),
      });
      this.#connections.set(facts.connectionId, connection);
    });
  }

  async #message(connection: Connection, body: string): Promise<void> {
    const { api, invoker, log, count } = this.#options;
    const requestId = newId();
    const { connectionId } = connection.facts;
    const tell = (message: string) =>
      connection.post(Buffer.from(JSON.stringify({ message, connectionId, requestId })));
    const route = selectRoute(api, body);
    if (route === undefined) {
      tell('Forbidden');
      return;
    }
    const { routeKey, responds } = route;
    count?.(routeKey);
    const event = messageEvent(api, connection.facts, { routeKey, requestId, body });
    const outcome = await callRoute(invoker, route, event);
    if (!outcome.ok) {
      log(`${routeKey} ${requestId} ${outcome.message} (${describe(outcome.cause)})`);
      tell(outcome.message);
    } else if (responds && outcome.answer.body) connection.post(Buffer.from(outcome.answer.body));
  }

  #end(facts: ConnectionFacts, ending: Ending): void {
    this.#connections.delete(facts.connectionId);
    const farewell = this.#goings
      .run(() => this.#farewell(facts, ending))
      .finally(() => this.#farewells.delete(farewell));
    this.#farewells.add(farewell);
  }

  async #farewell(facts: ConnectionFacts, ending: Ending): Promise<void> {
    const { api, invoker, log, count } = this.#options;
    const route = api.routes.get('$disconnect');
    if (route === undefined) return;
    count?.('$disconnect');
    const outcome = await callRoute(invoker, route, disconnectEvent(api, facts, ending));
    if (!outcome.ok) log(`$disconnect ${facts.connectionId} (${describe(outcome.cause)})`);
  }
}

/** Waits for it, but no longer than this. */
async function atMost(work: Promise<unknown>, ms: number): Promise<void> {
  if (ms > 0) await Promise.race([work, delay(ms, undefined, { ref: false })]);
}

function describe(cause: unknown): string {
  return cause instanceof Error ? cause.message : JSON.stringify(cause);
}
