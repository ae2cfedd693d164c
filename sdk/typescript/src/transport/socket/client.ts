/**
 * The one WebSocket of a client: opened when it is first needed, shared by all its executions,
 * closed when none is left. It opens anew for whoever comes after a cut; reading on is theirs.
 */
import type { FromServer } from '../../../../../contract/socket/from-server.ts';
import { Cut } from '../../events/cut.ts';
import { withSignal } from '../timing.ts';
import { Connection, type Pushed } from './connection.ts';
import { Inbox } from './inbox.ts';
import type { PayloadOf } from './messages.ts';
import { type SocketAccess, socketUrl } from './ticket.ts';

/** An execution that this client reads here. */
export interface Reading {
  readonly executionId: string;
  readonly inbox: Inbox;
}

/** The SDK drops what it has handed out, so that every event is handed out once. */
const DELIVERY = 2;

export class SocketClient {
  readonly #access: SocketAccess;
  #opening: Promise<Connection> | undefined;
  #connection: Connection | undefined;
  readonly #inboxes = new Map<string, Inbox>();
  /** Whoever is between asking for the connection and reading by it. */
  #users = 0;
  #idle: ReturnType<typeof setTimeout> | undefined;

  constructor(access: SocketAccess) {
    this.#access = access;
  }

  /** Whether this execution is being read here: the server knows one reader of it a connection. */
  reads(executionId: string): boolean {
    return this.#inboxes.has(executionId);
  }

  /**
   * Runs code, once for its key, and reads it from its first event.
   * @throws {Cut} `unusable` where there is no WebSocket to be had, another where it was cut
   */
  start(
    payload: Omit<PayloadOf<'execution.start'>, 'delivery'>,
    signal: AbortSignal,
  ): Promise<Reading> {
    return this.#use(signal, async (connection) => {
      let reading: Reading | undefined;
      await connection.request(
        { type: 'execution.start', payload: { ...payload, delivery: DELIVERY } },
        ({ type, payload }) => {
          if (type !== 'execution.start') return;
          const { executionId } = payload;
          if (signal.aborted) connection.send({ type: 'unsubscribe', payload: { executionId } });
          else reading = { executionId, inbox: this.#inbox(connection, executionId, 0) };
        },
      );
      if (!reading) throw new Cut('broken', 'execution.start was answered by something else');
      return reading;
    });
  }

  /** Reads an execution from the event after `after` on. */
  subscribe(executionId: string, after: number, signal: AbortSignal): Promise<Inbox> {
    return this.#use(signal, (connection) => {
      const inbox = this.#inbox(connection, executionId, after);
      const payload = { executionId, after, delivery: DELIVERY } as const;
      // Events may come before the answer, and an execution that has ended is sent before it.
      connection
        .request({ type: 'subscribe', payload })
        .catch((error: unknown) => inbox.end(error as Error));
      return Promise.resolve(inbox);
    });
  }

  /** Closes the connection unless something is being read. */
  closeIfIdle(): void {
    if (this.#users === 0 && this.#inboxes.size === 0) this.#connection?.close();
  }

  async #use<T>(signal: AbortSignal, work: (connection: Connection) => Promise<T>): Promise<T> {
    clearTimeout(this.#idle);
    this.#users += 1;
    try {
      const connection = await withSignal(this.#connected(), signal);
      return await withSignal(work(connection), signal);
    } finally {
      this.#users -= 1;
      this.#closeLater();
    }
  }

  #connected(): Promise<Connection> {
    if (this.#connection && !this.#connection.ended) return Promise.resolve(this.#connection);
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #open(): Promise<Connection> {
    const { WebSocket, timing } = this.#access;
    if (!WebSocket) throw new Cut('unusable', 'there is no WebSocket in this environment');
    const url = await socketUrl(this.#access);
    const connection: Connection = await Connection.open(WebSocket, url, {
      timing,
      listener: {
        onPush: (pushed, sizeBytes) => this.#deliver(pushed, sizeBytes),
        onClose: (cut) => this.#closed(cut),
      },
    });
    this.#connection = connection;
    // Whoever asked for it may have gone meanwhile.
    this.#closeLater();
    return connection;
  }

  #inbox(connection: Connection, executionId: string, after: number): Inbox {
    // A start that was repeated is answered twice, by the same execution.
    this.#inboxes.get(executionId)?.end(new Cut('broken', 'the execution is read anew'));
    const inbox: Inbox = new Inbox(
      {
        acknowledge: (seq) => connection.send({ type: 'ack', payload: { executionId, seq } }),
        more: async (after) => {
          await connection.request({ type: 'more', payload: { executionId, after } });
        },
        left: (early) => {
          if (this.#inboxes.get(executionId) !== inbox) return;
          this.#inboxes.delete(executionId);
          if (early) connection.send({ type: 'unsubscribe', payload: { executionId } });
          this.#closeLater();
        },
      },
      after,
      this.#access.timing,
    );
    this.#inboxes.set(executionId, inbox);
    return inbox;
  }

  #deliver(pushed: Pushed, sizeBytes: number): void {
    switch (pushed.kind) {
      case 'output':
        return this.#inboxes.get(pushed.executionId)?.deliver(pushed.events, sizeBytes);
      case 'broken':
        return this.#inboxes.get(pushed.executionId)?.end(pushed.error);
      case 'push':
        return this.#tell(pushed.message);
    }
  }

  #tell({ type, payload }: FromServer): void {
    switch (type) {
      case 'more':
        return this.#inboxes.get(payload.executionId)?.waits(payload.via);
      case 'execution.complete':
        return this.#inboxes.get(payload.executionId)?.complete(payload.lastSeq);
      case 'system.heartbeat':
        return this.#inboxes.get(payload.executionId)?.alive();
      default:
    }
  }

  #closed(cut: Cut): void {
    clearTimeout(this.#idle);
    this.#connection = undefined;
    for (const inbox of this.#inboxes.values()) inbox.end(cut);
  }

  /** An open WebSocket keeps a Node process from ending, so it is not kept for long. */
  #closeLater(): void {
    if (this.#users > 0 || this.#inboxes.size > 0) return;
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.closeIfIdle(), this.#access.timing.socketIdleMs);
  }
}
