/**
 * One reader of an execution over the WebSocket, as a client is to be: it acknowledges, pulls when it is told that
 * there is `more`, and drops what it has. It can be made slow. It checks that no event is missing.
 */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { Event } from '../contract/events.ts';
import { type FromServer, readFromServer } from '../contract/socket/from-server.ts';
import type { ToServerType } from '../contract/socket/to-server.ts';
import { BenchError } from './target.ts';

export interface ReaderOptions {
  readonly url: string;
  readonly apiKey: string;
  /** Of messages, read and then acknowledged; as fast as they come without it. */
  readonly bytesPerSecond?: number;
  /** Of each event, in order and once, when it is read. */
  readonly onEvent: (event: Event) => void;
}

/** As the contract asks: at the latest after so much, or so long, while events come. */
const ACK_BYTES = 64 * 1024;
const ACK_MS = 3_000;

export class SocketReader implements Disposable {
  /** Resolves with the last seq when the server says that all was sent; rejects when it cannot say so. */
  readonly completed: Promise<number>;
  readonly #socket: WebSocket;
  readonly #options: ReaderOptions;
  readonly #completed = Promise.withResolvers<number>();
  readonly #answers = new Map<string, (message: FromServer) => void>();
  #sent = 0;
  #seq = 0;
  #acked = 0;
  #unackedBytes = 0;
  #ackDueAt = 0;

  private constructor(socket: WebSocket, options: ReaderOptions) {
    this.#socket = socket;
    this.#options = options;
    this.completed = this.#completed.promise;
    // Whoever does not wait for the end need not hear of it.
    this.completed.catch(() => {});
    socket.on('message', (data: Buffer) => void this.#receive(data));
    socket.on('close', (code) => this.#fail(`the connection was closed with ${code}`));
  }

  static async connect(options: ReaderOptions): Promise<SocketReader> {
    const socket = new WebSocket(options.url, {
      headers: { 'X-API-Key': options.apiKey },
      perMessageDeflate: false,
    });
    await once(socket, 'open');
    return new SocketReader(socket, options);
  }

  /** The last event that it has read. */
  get seq(): number {
    return this.#seq;
  }

  /** Watches the executions that start in a sandbox from now on. */
  async watch(sandboxId: string): Promise<void> {
    const answer = await this.#ask('subscribe', { sandboxId });
    if (answer.type !== 'ack') throw new BenchError(`subscribe was answered ${answer.type}`);
  }

  [Symbol.dispose](): void {
    this.#socket.terminate();
  }

  async #ask(type: ToServerType, payload: object): Promise<FromServer> {
    const { promise, resolve } = Promise.withResolvers<FromServer>();
    this.#answers.set(this.#send(type, payload), resolve);
    return Promise.race([promise, this.completed.then(() => promise)]);
  }

  #send(type: ToServerType, payload: object): string {
    const id = String((this.#sent += 1));
    const envelope = { id, type, timestamp: Date.now(), version: '1', source: 'bench' };
    this.#socket.send(JSON.stringify({ ...envelope, payload }));
    return id;
  }

  async #receive(data: Buffer): Promise<void> {
    const { bytesPerSecond } = this.#options;
    if (bytesPerSecond !== undefined) {
      this.#socket.pause();
      await new Promise((resolve) => setTimeout(resolve, (data.length / bytesPerSecond) * 1000));
      this.#socket.resume();
    }
    const message = readFromServer(JSON.parse(data.toString()));
    if (message === undefined) return;
    this.#answers.get(message.correlationId ?? '')?.(message);
    switch (message.type) {
      case 'execution.output':
        this.#take(message.payload.executionId, message.payload.events, data.length);
        break;
      case 'more':
        this.#send('more', { executionId: message.payload.executionId, after: this.#seq });
        break;
      case 'execution.complete':
        this.#finish(message.payload.lastSeq);
        break;
      case 'error':
      case 'execution.error':
        // An ack that failed is made good by the next.
        if (!message.payload.error.retryable)
          this.#fail(`${message.type}: ${message.payload.error.message}`);
        break;
      default:
        break;
    }
  }

  #take(executionId: string, events: readonly Event[], bytes: number): void {
    for (const event of events) {
      if (event.seq <= this.#seq) continue;
      if (event.seq !== this.#seq + 1) this.#fail(`event ${event.seq} came after ${this.#seq}`);
      this.#seq = event.seq;
      this.#options.onEvent(event);
    }
    const now = performance.now();
    // Readers of one execution hear of it together, and should not answer together.
    if (this.#ackDueAt === 0) this.#ackDueAt = now + Math.random() * ACK_MS;
    else if (this.#unackedBytes === 0) this.#ackDueAt = now + ACK_MS;
    this.#unackedBytes += bytes;
    const isDue = this.#unackedBytes >= ACK_BYTES || now >= this.#ackDueAt;
    if (!isDue || this.#seq === this.#acked) return;
    this.#acked = this.#seq;
    this.#unackedBytes = 0;
    this.#send('ack', { executionId, seq: this.#seq });
  }

  #finish(lastSeq: number): void {
    if (this.#seq === lastSeq) this.#completed.resolve(lastSeq);
    else this.#fail(`the last event is ${lastSeq}, and the reader has ${this.#seq}`);
  }

  #fail(what: string): void {
    this.#completed.reject(new BenchError(`a reader at event ${this.#seq}: ${what}`));
  }
}
