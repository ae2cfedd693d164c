/**
 * One established connection: holds its client to the limits, hands its messages on, and takes what is posted to it.
 * It buffers a bounded amount for a slow client and never waits for one.
 */
import { isUtf8 } from 'node:buffer';
import type { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import { FrameSizes } from './frame-sizes.ts';
import type { WebSocketLimits } from './limits.ts';

/** What is known of a connection from its handshake on. */
export interface ConnectionFacts {
  readonly connectionId: string;
  readonly connectedAt: Date;
  readonly sourceIp: string;
  readonly userAgent: string | undefined;
  readonly domainName: string;
  /** The authorizer's context, which every later event carries too. */
  readonly authorizer: Readonly<Record<string, string | number>> | undefined;
}

export interface Ending {
  readonly code: number;
  readonly reason: string;
}

interface ConnectionOptions {
  readonly facts: ConnectionFacts;
  readonly webSocket: WebSocket;
  /** What the WebSocket reads from. */
  readonly socket: Duplex;
  readonly limits: WebSocketLimits;
  readonly onMessage: (text: string) => void;
  readonly onEnd: (ending: Ending) => void;
}

const CLOSE = { goingAway: 1001, unsupportedData: 1003, tooBig: 1009 } as const;

/** What API Gateway writes where the client gave no reason. */
const REASONS: Readonly<Record<number, string>> = {
  1001: 'Going away',
  1005: 'Client-side close frame status not set',
  1006: 'Connection Closed Abnormally',
};

export class Connection {
  readonly facts: ConnectionFacts;
  readonly ended: Promise<void>;
  #lastActiveAt = new Date();
  readonly #webSocket: WebSocket;
  readonly #limits: WebSocketLimits;
  readonly #onMessage: (text: string) => void;
  readonly #idle: NodeJS.Timeout;
  readonly #life: NodeJS.Timeout;
  #cut: NodeJS.Timeout | undefined;

  constructor({ facts, webSocket, socket, limits, onMessage, onEnd }: ConnectionOptions) {
    this.facts = facts;
    this.#webSocket = webSocket;
    this.#limits = limits;
    this.#onMessage = onMessage;
    this.#idle = setTimeout(() => this.close(CLOSE.goingAway), limits.idleMs);
    this.#life = setTimeout(() => this.close(CLOSE.goingAway), limits.lifeMs);
    const frames = new FrameSizes(limits.frameBytes);
    const measure = (bytes: Buffer): void => {
      if (!frames.exceeds(bytes)) return;
      socket.off('data', measure);
      this.close(CLOSE.tooBig);
    };
    // Before the library reads them: of a frame that is too long nothing is handed on.
    socket.prependListener('data', measure);
    webSocket.on('message', (data, isBinary) => this.#receive(data, isBinary));
    // Whatever is wrong with a frame, the library closes the connection by itself.
    webSocket.on('error', () => {});
    this.ended = new Promise((resolve) => {
      webSocket.once('close', (code, reason) => {
        for (const timer of [this.#idle, this.#life, this.#cut]) clearTimeout(timer);
        onEnd({ code, reason: reason.toString() || (REASONS[code] ?? '') });
        resolve();
      });
    });
  }

  get lastActiveAt(): Date {
    return this.#lastActiveAt;
  }

  /** Hands a message to the client's socket, or to its buffer; `full` when that holds too much already. */
  post(bytes: Buffer): 'sent' | 'full' | 'gone' {
    const webSocket = this.#webSocket;
    if (webSocket.readyState !== webSocket.OPEN) return 'gone';
    if (bytes.length > this.#limits.frameBytes) {
      this.close(CLOSE.tooBig);
      return 'sent';
    }
    if (webSocket.bufferedAmount + bytes.length > this.#limits.bufferBytes) return 'full';
    webSocket.send(bytes, { binary: !isUtf8(bytes) });
    this.#touch();
    return 'sent';
  }

  /** Begins to close; a client that does not answer is cut off. */
  close(code: number, reason = REASONS[code] ?? ''): void {
    if (this.#cut !== undefined) return;
    this.#webSocket.close(code, reason);
    this.#cut = setTimeout(() => this.#webSocket.terminate(), this.#limits.closeMs);
  }

  /** Ends it without a word. */
  terminate(): void {
    this.#webSocket.terminate();
  }

  #receive(data: RawData, isBinary: boolean): void {
    // Nothing that comes behind a violation, or after a close was begun, counts.
    if (this.#cut !== undefined) return;
    if (isBinary) {
      this.close(CLOSE.unsupportedData);
      return;
    }
    this.#touch();
    this.#onMessage(textOf(data));
  }

  #touch(): void {
    this.#lastActiveAt = new Date();
    this.#idle.refresh();
  }
}

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString();
  return (data instanceof ArrayBuffer ? Buffer.from(data) : data).toString();
}
