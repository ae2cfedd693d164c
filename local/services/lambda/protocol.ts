/**
 * What the service and a worker thread say to each other. One event at a time per worker, so no message needs a
 * request id. Types and the window only: nothing here runs.
 */
import type { FunctionError } from './types.ts';

/** Bytes of a streamed response that may be on their way to the consumer before the handler's writes wait. */
export const RESPONSE_WINDOW_BYTES = 1024 * 1024;

/** Larger writes cross the thread in pieces, so that one write cannot burst the window. */
export const PIECE_BYTES = 256 * 1024;

export interface WorkerSettings {
  readonly codeDirectory: string;
  readonly handler: string;
  readonly functionName: string;
  readonly functionArn: string;
  readonly memoryMb: number;
  readonly logStreamName: string;
}

export type ToWorker =
  /** Time starts when the worker takes it, so that a cold start does not eat the function's timeout. */
  | { type: 'invoke'; requestId: string; payload: string; timeoutMs: number }
  /** The consumer took this many bytes. */
  | { type: 'taken'; bytes: number }
  /** The consumer left: the handler may write on, nobody reads. */
  | { type: 'gone' };

export type FromWorker =
  | { type: 'ready' }
  | { type: 'initFailed'; error: FunctionError }
  | { type: 'prelude'; json: string }
  | { type: 'chunk'; bytes: Uint8Array }
  /** The response is whole; the handler may still be running. */
  | { type: 'end' }
  /** A streamed handler settled: the worker is free. */
  | { type: 'done' }
  /** A buffered handler settled: the worker is free. */
  | { type: 'result'; json: string }
  /** The handler failed: the worker is free. */
  | { type: 'failed'; error: FunctionError }
  | { type: 'log'; text: string };
