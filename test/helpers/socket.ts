/** A client of the WebSocket under test: sends what it is told to, keeps what it hears. */
import { randomUUID } from 'node:crypto';
import { WebSocket } from 'ws';
import * as z from 'zod/mini';
import type { Event } from '../../contract/events.ts';
import {
  type FromServer,
  type FromServerType,
  readFromServer,
} from '../../contract/socket/from-server.ts';
import { type Deployment, target } from './api.ts';

const HEARD_MS = 15_000;

export interface ConnectOptions {
  readonly apiKey?: string | null;
  readonly ticket?: string;
}

/** Throws with the status of a handshake that is refused. */
export async function connectSocket(
  options: ConnectOptions = {},
  { websocketUrl, apiKey }: Deployment = target,
): Promise<TestSocket> {
  if (!websocketUrl) throw new Error('this scenario needs WEBSOCKET_URL');
  const query = options.ticket === undefined ? '' : `?ticket=${encodeURIComponent(options.ticket)}`;
  const key = options.apiKey === undefined && !options.ticket ? apiKey : options.apiKey;
  const socket = new WebSocket(`${websocketUrl}${query}`, {
    headers: key ? { 'X-API-Key': key } : {},
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('unexpected-response', (_, response) => {
      reject(new Error(`refused: ${response.statusCode}`));
      response.destroy();
    });
    socket.once('error', reject);
  });
  return new TestSocket(socket);
}

const GatewayError = z.strictObject({
  message: z.literal('Internal server error'),
  connectionId: z.string(),
  requestId: z.string(),
});

export class TestSocket implements Disposable {
  readonly socket: WebSocket;
  readonly heard: FromServer[] = [];
  /** What API Gateway itself says where a function failed. */
  readonly failures: z.infer<typeof GatewayError>[] = [];
  readonly #waiters = new Set<() => void>();

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer) => {
      const told: unknown = JSON.parse(data.toString());
      const message = readFromServer(told);
      if (message) this.heard.push(message);
      else this.failures.push(GatewayError.parse(told));
      for (const wake of this.#waiters) wake();
    });
    socket.on('error', () => {});
  }

  /** Answers the message's id. */
  send(type: string, payload: unknown, envelope: Record<string, unknown> = {}): string {
    const id = randomUUID();
    const head = { id, timestamp: Date.now(), version: '1', source: 'test', type };
    this.socket.send(JSON.stringify({ ...head, payload, ...envelope }));
    return typeof envelope['id'] === 'string' ? envelope['id'] : id;
  }

  /** The first message that fits, heard already or yet to come. */
  async hear<T extends FromServer>(fits: (message: FromServer) => message is T): Promise<T>;
  async hear(fits: (message: FromServer) => boolean): Promise<FromServer>;
  async hear(fits: (message: FromServer) => boolean): Promise<FromServer> {
    const until = Date.now() + HEARD_MS;
    for (;;) {
      const found = this.heard.find(fits);
      if (found) return found;
      const left = until - Date.now();
      if (left <= 0)
        throw new Error(`not heard; heard was ${JSON.stringify(this.heard).slice(0, 2_000)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#waiters.add(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  /** The answer to a message; one of another type fails. */
  async answer<T extends FromServerType>(id: string, type: T): Promise<FromServer<T>['payload']> {
    const message = await this.hear(({ correlationId }) => correlationId === id);
    if (message.type !== type)
      throw new Error(`answered ${message.type}: ${JSON.stringify(message.payload)}`);
    return message.payload as FromServer<T>['payload'];
  }

  ask<T extends FromServerType>(type: string, payload: unknown, answered: T) {
    return this.answer(this.send(type, payload), answered);
  }

  /** The events of an execution as they came, doubles and all. */
  pushed(executionId: string): Event[] {
    return this.heard.flatMap((message) =>
      message.type === 'execution.output' && message.payload.executionId === executionId
        ? message.payload.events
        : [],
    );
  }

  /** Those that are new, in order; fails where one is missing. */
  events(executionId: string, after = 0): Event[] {
    const events: Event[] = [];
    for (const event of this.pushed(executionId)) {
      const next = after + events.length + 1;
      if (event.seq > next) throw new Error(`seq ${event.seq} came, ${next} was due`);
      if (event.seq === next) events.push(event);
    }
    return events;
  }

  complete(executionId: string) {
    return this.hear(
      (message): message is FromServer<'execution.complete'> =>
        message.type === 'execution.complete' && message.payload.executionId === executionId,
    );
  }

  [Symbol.dispose](): void {
    this.socket.terminate();
  }
}
