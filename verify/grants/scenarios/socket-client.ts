/** A client of the WebSocket API that remembers what it has heard. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { World } from '../scenario.ts';

interface Message {
  readonly type: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

export interface SocketClient extends Disposable {
  /** Answers the message's id. */
  readonly send: (type: string, payload: unknown) => string;
  /** The first of these types; an error is one only if it is named. */
  readonly hear: (...types: string[]) => Promise<Message>;
}

export async function connect(
  { stack, until }: World,
  { ticket }: { ticket?: string } = {},
): Promise<SocketClient> {
  const socket =
    ticket === undefined
      ? new WebSocket(stack.websocketUrl, { headers: { 'X-API-Key': stack.apiKey } })
      : new WebSocket(`${stack.websocketUrl}?ticket=${encodeURIComponent(ticket)}`);
  const heard: Message[] = [];
  socket.on('message', (data: Buffer) => heard.push(JSON.parse(data.toString()) as Message));
  await once(socket, 'open');
  return {
    send(type, payload) {
      const id = randomUUID();
      const head = { id, timestamp: Date.now(), version: '1', source: 'verify', type };
      socket.send(JSON.stringify({ ...head, payload }));
      return id;
    },
    async hear(...types) {
      let found: Message | undefined;
      await until(async () => {
        found = heard.find((message) => types.includes(message.type));
        const error = heard.find((message) => message.type === 'error');
        if (found === undefined && error !== undefined)
          throw new Error(`heard ${JSON.stringify(error.payload).slice(0, 300)}`);
        return found !== undefined;
      });
      return found as Message;
    },
    [Symbol.dispose]: () => socket.terminate(),
  };
}
