/**
 * The loopback address of a task: accepts on it and carries bytes to a unix socket inside the task.
 * Owns both sockets of each connection; must never look into what it carries.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';

export const AGENT_PORT = 49983;
const FIRST_ADDRESS = 127 * 2 ** 24 + 64 * 2 ** 16;
/** While a task starts, its socket is not there yet: an early caller is kept waiting that long at most. */
const START_PATIENCE_MS = 10_000;
const RETRY_MS = 5;

/** Slot 1 is 127.64.0.1, and so on through 127.64.0.0/10. */
export function addressOfSlot(slot: number): string {
  const address = FIRST_ADDRESS + slot;
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}

export class Forwarder {
  readonly slot: number;
  readonly address: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #target: string | undefined;
  #impatientAt = 0;

  private constructor(slot: number, server: Server) {
    this.slot = slot;
    this.address = addressOfSlot(slot);
    this.#server = server;
    server.on('connection', (client) => void this.#accept(client));
  }

  /** Undefined where the address is taken. That makes listening the lock on the whole slot: the kernel frees it with its owner. */
  static async open(slot: number, port = AGENT_PORT): Promise<Forwarder | undefined> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    server.once('listening', () => resolve(true));
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(false) : reject(error),
    );
    server.listen({ host: addressOfSlot(slot), port, exclusive: true });
    return (await promise) ? new Forwarder(slot, server) : undefined;
  }

  /** From now on connections go to this socket. */
  forwardTo(path: string): void {
    this.#target = path;
    this.#impatientAt = Date.now() + START_PATIENCE_MS;
  }

  async close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    for (const socket of this.#sockets) socket.destroy();
    await promise;
  }

  #track(socket: Socket): Socket {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    return socket;
  }

  async #accept(client: Socket): Promise<void> {
    this.#track(client);
    // The peer may vanish while we wait; that is its own affair.
    client.on('error', () => client.destroy());
    const inside = await this.#reach(client);
    if (inside === undefined) return void client.resetAndDestroy();
    if (client.destroyed) return void inside.destroy();
    inside.on('error', () => inside.destroy());
    carry(client, inside);
    carry(inside, client);
  }

  async #reach(client: Socket): Promise<Socket | undefined> {
    for (;;) {
      const path = this.#target;
      const inside = path === undefined ? undefined : await open(path);
      if (inside !== undefined) return this.#track(inside);
      if (client.destroyed || !this.#server.listening) return undefined;
      if (path !== undefined && Date.now() > this.#impatientAt) return undefined;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

async function open(path: string): Promise<Socket | undefined> {
  const { promise, resolve } = Promise.withResolvers<Socket | undefined>();
  const socket = connect({ path, allowHalfOpen: true });
  socket.once('connect', () => resolve(socket));
  socket.once('error', () => resolve(undefined));
  return promise;
}

/** One direction. An end passes as an end; anything else that closes one side closes the other. */
function carry(from: Socket, to: Socket): void {
  from.pipe(to);
  from.once('close', () => {
    // What has ended well may still have bytes on their way out on the other side.
    if (from.readableEnded) to.resume();
    else to.destroy();
  });
}
