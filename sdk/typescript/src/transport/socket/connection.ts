/**
 * One WebSocket: opened, asked and answered, watched for silence, closed. What is pushed goes to its
 * listener; it reads no events. Whatever ends it, every request under way ends with it.
 */
import type { FromServer } from '../../../../../contract/socket/from-server.ts';
import type { ToServerType } from '../../../../../contract/socket/to-server.ts';
import { Cut } from '../../events/cut.ts';
import type { Timing } from '../timing.ts';
import { type Heard, hear, messageText, type PayloadOf, sizeOf } from './messages.ts';

export type Pushed = Exclude<Heard, { kind: 'answer' | 'refusal' | 'gateway' }>;

export interface Listener {
  /** What came, with the size of its message. */
  onPush(pushed: Pushed, sizeBytes: number): void;
  onClose(cut: Cut): void;
}

interface Pending {
  /** Called before anything that came later is looked at. */
  readonly answered: (message: FromServer) => void;
  readonly failed: (error: Error) => void;
}

export interface Asking<T extends ToServerType> {
  readonly type: T;
  readonly payload: PayloadOf<T>;
}

const NORMAL_CLOSE = 1000;

export class Connection {
  readonly #socket: WebSocket;
  readonly #timing: Timing;
  readonly #listener: Listener;
  readonly #pending = new Map<string, Pending>();
  #watch: ReturnType<typeof setTimeout> | undefined;
  #ended: Cut | undefined;

  private constructor(socket: WebSocket, timing: Timing, listener: Listener) {
    this.#socket = socket;
    this.#timing = timing;
    this.#listener = listener;
  }

  /** @throws {Cut} `unusable`: it cannot be had */
  static open(
    Socket: typeof WebSocket,
    url: string,
    { timing, listener }: { timing: Timing; listener: Listener },
  ): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = new Socket(url);
      const connection = new Connection(socket, timing, listener);
      let open = false;
      const refused = (why: string) => {
        clearTimeout(timer);
        reject(new Cut('unusable', why));
      };
      const timer = setTimeout(() => {
        refused(`the WebSocket did not open within ${timing.socketOpenMs} ms`);
        socket.close();
      }, timing.socketOpenMs);
      socket.addEventListener('open', () => {
        open = true;
        clearTimeout(timer);
        connection.#watchSilence();
        resolve(connection);
      });
      socket.addEventListener('message', ({ data }) => connection.#hear(String(data)));
      // What went wrong is told by `close`, as far as a browser tells it at all.
      socket.addEventListener('error', () =>
        open ? undefined : refused('the WebSocket did not open'),
      );
      socket.addEventListener('close', ({ code, reason }) => {
        const why = `the WebSocket was closed (${code}${reason ? ` ${reason}` : ''})`;
        if (open) connection.#end(new Cut('broken', why));
        else refused(why);
      });
    });
  }

  get ended(): boolean {
    return this.#ended !== undefined;
  }

  /** Not answered, and lost where the connection is. */
  send<T extends ToServerType>({ type, payload }: Asking<T>, id = crypto.randomUUID()): void {
    if (!this.#ended) this.#socket.send(messageText(id, type, payload));
  }

  /**
   * @param answered called as soon as the answer is here, before anything that came behind it
   * @throws {Cut} where the connection ended first, {CodeInterpreterError} what the server said
   */
  request<T extends ToServerType>(
    asking: Asking<T>,
    answered: (message: FromServer) => void = () => {},
  ): Promise<FromServer> {
    if (this.#ended) return Promise.reject(this.#ended);
    const id = crypto.randomUUID();
    return new Promise((resolve, reject) => {
      // An answer that does not come says that the connection is dead, whatever it claims.
      const timer = setTimeout(
        () => this.close(new Cut('silent', `${asking.type} was not answered`)),
        this.#timing.socketAnswerMs,
      );
      const settle = () => {
        clearTimeout(timer);
        this.#pending.delete(id);
      };
      this.#pending.set(id, {
        answered: (message) => {
          settle();
          answered(message);
          resolve(message);
        },
        failed: (error) => {
          settle();
          reject(error);
        },
      });
      this.send(asking, id);
    });
  }

  close(cut: Cut = new Cut('ended', 'the WebSocket was not needed any more')): void {
    this.#end(cut);
    this.#socket.close(NORMAL_CLOSE);
  }

  #hear(text: string): void {
    if (this.#ended) return;
    this.#watchSilence();
    const heard = hear(text);
    if (!heard) return;
    switch (heard.kind) {
      case 'answer':
        return this.#pending.get(heard.to)?.answered(heard.message);
      case 'refusal':
        return this.#pending.get(heard.to)?.failed(heard.error);
      case 'gateway':
        // Repeating those that did not fail does no harm: a message does once what its id stands for.
        return this.#failAll(heard.error);
      case 'push':
        if (heard.message.type === 'system.shutdown') {
          return this.close(new Cut('ended', 'the service closes the connection'));
        }
        return this.#listener.onPush(heard, sizeOf(text));
      default:
        this.#listener.onPush(heard, sizeOf(text));
    }
  }

  /** The server tells readers of silent code that it lives; where it does not, it is asked. */
  #watchSilence(): void {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => {
      this.request({ type: 'system.ping', payload: {} }).catch(() => {
        // The connection has ended, and its listener was told why.
      });
    }, this.#timing.socketSilenceMs);
  }

  #end(cut: Cut): void {
    if (this.#ended) return;
    this.#ended = cut;
    clearTimeout(this.#watch);
    this.#failAll(cut);
    this.#listener.onClose(cut);
  }

  #failAll(error: Error): void {
    for (const { failed } of this.#pending.values()) failed(error);
  }
}
