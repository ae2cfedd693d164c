/**
 * The fake API's WebSocket: it keeps to the contract as far as a client can see, pushes scripted
 * executions with a window of what may be unacknowledged, and can be cut after any message.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { SOCKET_LIMITS } from '../../contract/socket/limits.ts';
import { parseToServer, type ToServer } from '../../contract/socket/to-server.ts';
import type { FakeExecution, Logged } from './fake-execution.ts';

export interface SocketBehaviour {
  /** `none`: there is no such operation; `refuse`: tickets for what then does not open. */
  sockets: 'on' | 'none' | 'refuse';
  /** Taken one by one by connections: cut after so many messages from the server. */
  socketCuts: number[];
  /** So many messages of clients are answered by API Gateway's own words. */
  gatewayErrors: number;
  /** So many messages of clients are done and not answered: the connection is cut then. */
  lostMessages: number;
  /** Most events in one message. */
  messageEvents: number;
  windowBytes: number;
  /** A full window waits so long for an ack. */
  ackPatienceMs: number;
  /** After so long without an event a reader is told that the code runs. */
  heartbeatEachMs: number;
  /** Hears every message and answers none. */
  deaf: boolean;
}

export const SOCKET_DEFAULTS: SocketBehaviour = {
  sockets: 'none',
  socketCuts: [],
  gatewayErrors: 0,
  lostMessages: 0,
  messageEvents: 50,
  windowBytes: SOCKET_LIMITS.unacknowledgedBytes,
  ackPatienceMs: 1_000,
  heartbeatEachMs: 30_000,
  deaf: false,
};

/** What the socket needs of the API that it belongs to. */
export interface SocketHost {
  readonly behaviour: SocketBehaviour & { readonly overlap: number };
  readonly executions: ReadonlyMap<string, FakeExecution>;
  start(key: string | undefined, body: Record<string, unknown>): FakeExecution;
}

type Received = ToServer & { readonly at: number };

export class FakeSocket {
  readonly received: Received[] = [];
  /** Connections that were opened. */
  opened = 0;
  /** How often a reader was told to ask for more. */
  waits = 0;
  /** The most that was ever pushed to one reader without an ack. */
  mostUnacked = 0;
  readonly #tickets = new Set<string>();
  readonly #server = new WebSocketServer({ noServer: true });
  readonly #host: SocketHost;

  constructor(host: SocketHost) {
    this.#host = host;
  }

  get open(): number {
    return this.#server.clients.size;
  }

  ticket(): string {
    const ticket = `ct_${randomUUID()}`;
    this.#tickets.add(ticket);
    return ticket;
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { searchParams } = new URL(request.url ?? '/', 'http://fake');
    const isGood = this.#tickets.delete(searchParams.get('ticket') ?? '');
    if (!isGood || this.#host.behaviour.sockets === 'refuse') {
      socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (client) => {
      this.opened += 1;
      this.#serve(client);
    });
  }

  count(type: ToServer['type']): number {
    return this.received.filter((message) => message.type === type).length;
  }

  shutdown(): void {
    for (const client of this.#server.clients) {
      new Talk(client, undefined).say('system.shutdown', { reason: 'deploy' });
    }
  }

  close(): void {
    for (const client of this.#server.clients) client.terminate();
  }

  #serve(client: WebSocket): void {
    const { behaviour } = this.#host;
    const talk = new Talk(client, behaviour.socketCuts.shift());
    const readers = new Map<string, FakeReader>();
    client.on('close', () => {
      for (const reader of readers.values()) reader.stop();
    });
    client.on('message', (data: Buffer) => {
      const message = parseToServer(JSON.parse(data.toString()));
      this.received.push({ ...message, at: performance.now() });
      if (message.type !== 'ack' && behaviour.gatewayErrors > 0) {
        behaviour.gatewayErrors -= 1;
        talk.raw({ message: 'Internal server error', connectionId: 'c', requestId: 'gw-1' });
        return;
      }
      if (!behaviour.deaf) this.#answer(message, talk, readers);
    });
  }

  #answer(message: ToServer, talk: Talk, readers: Map<string, FakeReader>): void {
    const { type, payload, id } = message;
    const read = (execution: FakeExecution, after: number) => {
      readers.get(execution.id)?.stop();
      const from = Math.max(0, after - this.#host.behaviour.overlap);
      const reader = new FakeReader({ execution, talk, after: from, socket: this });
      readers.set(execution.id, reader);
    };
    if (type === 'execution.start') {
      const { idempotencyKey, delivery: _, ...body } = payload;
      const execution = this.#host.start(idempotencyKey, body);
      if (this.#isLost(talk)) return;
      const { id: executionId } = execution;
      talk.say('execution.start', { executionId, ...STARTED, sandboxId: payload.sandboxId }, id);
      return read(execution, 0);
    }
    if (type === 'system.ping') return talk.say('system.pong', {}, id);
    if (!('executionId' in payload)) return talk.say('ack', {}, id);
    const execution = this.#host.executions.get(payload.executionId);
    if (!execution) return talk.refuse('EXECUTION_NOT_FOUND', id);
    if (this.#isLost(talk)) return;
    const { executionId } = payload;
    if (type === 'ack') return readers.get(executionId)?.acknowledge(payload.seq);
    if (type === 'unsubscribe') readers.get(executionId)?.stop();
    if (type === 'subscribe') read(execution, payload.after ?? 0);
    if (type === 'more') read(execution, payload.after);
    talk.say('ack', { executionId }, id);
  }

  #isLost(talk: Talk): boolean {
    const { behaviour } = this.#host;
    if (behaviour.lostMessages <= 0) return false;
    behaviour.lostMessages -= 1;
    talk.cut();
    return true;
  }

  get behaviour(): SocketBehaviour {
    return this.#host.behaviour;
  }
}

const STARTED = { language: 'python', createdAt: '2030-01-01T00:00:00.000Z' };

/** What is said on one connection, up to its cut. */
class Talk {
  readonly #client: WebSocket;
  #left: number | undefined;

  constructor(client: WebSocket, cutAfter: number | undefined) {
    this.#client = client;
    this.#left = cutAfter;
  }

  get over(): boolean {
    return this.#client.readyState !== this.#client.OPEN;
  }

  say(type: string, payload: unknown, correlationId?: string): void {
    this.raw({
      id: randomUUID(),
      type,
      timestamp: Date.now(),
      version: '1',
      source: 'fake',
      ...(correlationId === undefined ? {} : { correlationId }),
      payload,
    });
  }

  refuse(code: string, correlationId: string): void {
    const error = { code, message: `refused: ${code}`, retryable: false, requestId: 'r' };
    this.say('error', { error }, correlationId);
  }

  raw(message: unknown): void {
    if (this.#left !== undefined && this.#left-- <= 0) return this.cut();
    this.#client.send(JSON.stringify(message));
  }

  cut(): void {
    this.#client.terminate();
  }
}

/** Pushes one execution to one connection, as the relay does. */
class FakeReader {
  readonly #execution: FakeExecution;
  readonly #talk: Talk;
  readonly #socket: FakeSocket;
  readonly #unacked: { seq: number; bytes: number }[] = [];
  #next: number;
  #stopped = false;
  #heard: () => void = () => {};

  constructor(options: {
    execution: FakeExecution;
    talk: Talk;
    after: number;
    socket: FakeSocket;
  }) {
    this.#execution = options.execution;
    this.#talk = options.talk;
    this.#socket = options.socket;
    this.#next = options.after;
    void this.#push();
  }

  stop(): void {
    this.#stopped = true;
    this.#heard();
  }

  acknowledge(seq: number): void {
    while ((this.#unacked[0]?.seq ?? Number.POSITIVE_INFINITY) <= seq) this.#unacked.shift();
    this.#heard();
  }

  async #push(): Promise<void> {
    const { log, id: executionId } = this.#execution;
    const { messageEvents, windowBytes, heartbeatEachMs } = this.#socket.behaviour;
    await Promise.resolve();
    while (!this.#stopped && !this.#talk.over) {
      const events = log.slice(this.#next, this.#next + messageEvents);
      const [first] = events;
      if (!first) {
        if (this.#execution.finished) {
          const end = { lastSeq: log.length, outcome: 'ok', exitCode: 0 };
          return this.#talk.say('execution.complete', { executionId, ...end });
        }
        const known = log.length;
        await this.#execution.more(known, heartbeatEachMs);
        if (log.length === known && !this.#stopped) {
          this.#talk.say('system.heartbeat', { executionId, lastSeq: known });
        }
        continue;
      }
      if (size(first) > SOCKET_LIMITS.eventBytes) return this.#leaveTo('rest');
      const { fitting, bytes } = headOf(events);
      if (this.#unackedBytes + bytes > windowBytes && !(await this.#ack())) {
        return this.#leaveTo('socket');
      }
      if (this.#unackedBytes + bytes > windowBytes) continue;
      this.#next += fitting.length;
      this.#unacked.push({ seq: this.#next, bytes });
      this.#socket.mostUnacked = Math.max(this.#socket.mostUnacked, this.#unackedBytes);
      this.#talk.say('execution.output', { executionId, events: fitting });
      await new Promise(setImmediate);
    }
  }

  get #unackedBytes(): number {
    return this.#unacked.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** False when none came in time. */
  #ack(): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), this.#socket.behaviour.ackPatienceMs);
      this.#heard = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }

  #leaveTo(via: 'socket' | 'rest'): void {
    if (this.#stopped) return;
    this.#socket.waits += 1;
    const { id: executionId } = this.#execution;
    this.#talk.say('more', { executionId, after: this.#next, via });
  }
}

function headOf(events: readonly Logged[]): { fitting: Logged[]; bytes: number } {
  const fitting: Logged[] = [];
  let bytes = 0;
  for (const event of events) {
    if (bytes + size(event) > SOCKET_LIMITS.eventBytes) break;
    bytes += size(event);
    fitting.push(event);
  }
  return { fitting, bytes };
}

const size = (value: unknown) => JSON.stringify(value).length;
