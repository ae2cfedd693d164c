/**
 * The two ways an answer is taken from a worker: whole (`WholeAnswer`) or as it comes (`StreamedAnswer`).
 * Either takes what a buffered and what a streamed handler sends, as Lambda does.
 */
import { Buffer } from 'node:buffer';
import { FunctionFailure, LambdaError } from './errors.ts';
import type { InvocationSink } from './function-worker.ts';
import { RESPONSE_BYTES } from './limits.ts';
import type { Pace } from './pace.ts';
import type { AnswerTaker } from './pending-run.ts';
import { parsePrelude } from './prelude.ts';
import { ResponseBody } from './response-body.ts';
import type { FunctionError, StreamedResponse } from './types.ts';

/** What parts the JSON prelude from the body in the bytes of an HTTP response stream. */
const PRELUDE_DELIMITER = new Uint8Array(8);

export type WholeOutcome = { readonly text: string } | { readonly error: FunctionError };

const tooLarge: FunctionError = {
  errorType: 'Function.ResponseSizeTooLarge',
  errorMessage: `Response payload size exceeded maximum allowed payload size (${RESPONSE_BYTES} bytes).`,
};

export class WholeAnswer implements InvocationSink {
  readonly outcome: Promise<WholeOutcome>;
  readonly #taker: AnswerTaker;
  readonly #settled = Promise.withResolvers<WholeOutcome>();
  readonly #chunks: Uint8Array[] = [];
  #sizeBytes = 0;

  constructor(taker: AnswerTaker) {
    this.#taker = taker;
    this.outcome = this.#settled.promise;
  }

  prelude(json: string): void {
    this.#chunks.push(Buffer.from(json), PRELUDE_DELIMITER);
  }

  chunk(bytes: Uint8Array): void {
    this.#taker.taken(bytes.byteLength);
    this.#sizeBytes += bytes.byteLength;
    if (this.#sizeBytes <= RESPONSE_BYTES) this.#chunks.push(bytes);
  }

  end(): void {
    this.result(Buffer.concat(this.#chunks).toString(), this.#sizeBytes);
  }

  result(text: string, sizeBytes = Buffer.byteLength(text)): void {
    this.#settled.resolve(sizeBytes > RESPONSE_BYTES ? { error: tooLarge } : { text });
  }

  failed(error: FunctionError): void {
    this.#settled.resolve({ error });
  }
}

export class StreamedAnswer implements InvocationSink {
  readonly response: Promise<StreamedResponse>;
  readonly #settled = Promise.withResolvers<StreamedResponse>();
  readonly #body: ResponseBody;
  readonly #raw: boolean;
  #begun = false;
  #ended = false;

  /** `raw` leaves the prelude in the bytes, as the AWS API does for who invokes directly. */
  constructor(
    taker: AnswerTaker,
    { raw = false, pace }: { raw?: boolean; pace?: Pace | undefined } = {},
  ) {
    this.#raw = raw;
    this.response = this.#settled.promise;
    this.#body = new ResponseBody(
      { onTaken: (bytes) => taker.taken(bytes), onGone: () => taker.gone() },
      pace,
    );
  }

  prelude(json: string): void {
    const prelude = this.#raw ? undefined : parsePrelude(json);
    if (prelude !== undefined) this.#begin(prelude);
    else this.chunk(Buffer.concat([Buffer.from(json), PRELUDE_DELIMITER]));
  }

  chunk(bytes: Uint8Array): void {
    this.#begin(undefined);
    this.#body.add(bytes);
  }

  end(): void {
    this.#begin(undefined);
    this.#ended = true;
    // A handler that settles with its stream is free one message later: a caller that asks again finds it so.
    setImmediate(() => this.#body.finish());
  }

  result(json: string): void {
    this.chunk(Buffer.from(json));
    this.end();
  }

  failed(error: FunctionError): void {
    // The response was whole; what the handler did afterwards is not the caller's.
    if (this.#ended) return;
    const failure = new FunctionFailure(error);
    if (this.#begun) this.#body.fail(failure);
    else this.#settled.reject(failure);
  }

  /** The caller left before there was an answer; once there is one, it is the caller's to destroy. */
  abandon(): void {
    if (!this.#begun) this.#body.destroy();
  }

  #begin(prelude: StreamedResponse['prelude']): void {
    if (this.#begun) return;
    this.#begun = true;
    this.#settled.resolve({ prelude, body: this.#body });
  }
}

/** The payload as a value. A streamed handler may have sent anything: what is no JSON stays text. */
export function payloadOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export function requestPayload(payload: unknown, limitBytes: number): string {
  const text = JSON.stringify(payload) ?? '{}';
  assertPayloadSize(Buffer.byteLength(text), limitBytes);
  return text;
}

export function assertPayloadSize(sizeBytes: number, limitBytes: number): void {
  if (sizeBytes <= limitBytes) return;
  throw new LambdaError(
    'RequestTooLargeException',
    `The payload is ${sizeBytes} bytes; at most ${limitBytes} bytes are allowed for this invocation type`,
  );
}
