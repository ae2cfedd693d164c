/**
 * The Connect protocol as the E2B SDKs speak it: JSON only, one message in, one or many out. Owns the
 * frames and how a failure is told. Must never end a stream cleanly without its last frame.
 */
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type * as z from 'zod/mini';
import type { Sandbox } from '../sandbox.ts';
import { parseJson } from '../server/body.ts';
import { parseInput } from '../server/problems.ts';
import { written } from '../server/written.ts';
import { ConnectError, connectErrorOf } from './connect-errors.ts';

export const UNARY_TYPE = 'application/json';
export const STREAM_TYPE = 'application/connect+json';

const HEAD_BYTES = 5;
const END_FLAG = 2;
/** Seconds, where the client does not say. */
const KEEPALIVE = { default: 90, max: 300 } as const;
const MAX_TIMEOUT_MS = 24 * 3_600_000;

export interface StreamCall {
  readonly sandbox: Sandbox;
  /** After which nobody waits any more; absent for no limit. */
  readonly timeoutMs?: number;
  readonly keepaliveMs: number;
  readonly stream: MessageStream;
}

export type ConnectMethod =
  | { readonly kind: 'unary'; readonly call: (sandbox: Sandbox, input: unknown) => Promise<object> }
  | { readonly kind: 'stream'; readonly call: (call: StreamCall, input: unknown) => Promise<void> };

export function unary<T>(
  schema: z.ZodMiniType<T>,
  handle: (sandbox: Sandbox, input: T) => Promise<object>,
): ConnectMethod {
  return { kind: 'unary', call: (sandbox, input) => handle(sandbox, parseInput(schema, input)) };
}

export function stream<T>(
  schema: z.ZodMiniType<T>,
  handle: (call: StreamCall, input: T) => Promise<void>,
): ConnectMethod {
  return { kind: 'stream', call: (call, input) => handle(call, parseInput(schema, input)) };
}

/** The one message of a call that answers many. */
export function messageIn(body: Buffer): unknown {
  const isWhole = body.length >= HEAD_BYTES && body.readUInt32BE(1) === body.length - HEAD_BYTES;
  if (!isWhole || body[0] !== 0)
    throw new ConnectError('invalid_argument', 'body: must be one message, not compressed');
  return parseJson(body.subarray(HEAD_BYTES));
}

export class MessageStream {
  readonly #response: ServerResponse;

  constructor(response: ServerResponse) {
    this.#response = response;
    response.writeHead(200, { 'content-type': STREAM_TYPE, 'cache-control': 'no-store' });
    response.flushHeaders();
  }

  /** Whether anybody is there. */
  get isOpen(): boolean {
    return !this.#response.destroyed;
  }

  /** At once where nobody is there any more. */
  onClose(listener: () => void): void {
    if (this.#response.destroyed) listener();
    else this.#response.once('close', listener);
  }

  /** Resolves once the bytes are with the system, or nobody waits for them any more. */
  send(...messages: object[]): Promise<void> {
    return written(this.#response, Buffer.concat(messages.map((message) => frameOf(0, message))));
  }

  end(error?: unknown): void {
    const last = error === undefined ? {} : { error: connectErrorOf(error).body };
    this.#response.end(frameOf(END_FLAG, last));
  }

  /** Whoever reads learns that something is missing. */
  cut(): void {
    this.#response.destroy();
  }
}

export function streamCall(
  sandbox: Sandbox,
  headers: IncomingHttpHeaders,
  messages: MessageStream,
): StreamCall {
  const timeoutMs = wholeNumber(headers['connect-timeout-ms'], MAX_TIMEOUT_MS);
  const pingSeconds = wholeNumber(headers['keepalive-ping-interval'], KEEPALIVE.max);
  return {
    sandbox,
    stream: messages,
    keepaliveMs: (pingSeconds ?? KEEPALIVE.default) * 1000,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  };
}

/** 0 and what is no number count as nothing said. */
function wholeNumber(text: string | string[] | undefined, most: number): number | undefined {
  if (typeof text !== 'string' || !/^\d{1,15}$/.test(text)) return undefined;
  return Math.min(Number(text), most) || undefined;
}

function frameOf(flags: number, message: object): Buffer {
  const json = Buffer.from(JSON.stringify(message));
  const frame = Buffer.allocUnsafe(HEAD_BYTES + json.length);
  frame.writeUInt8(flags, 0);
  frame.writeUInt32BE(json.length, 1);
  json.copy(frame, HEAD_BYTES);
  return frame;
}
