/**
 * The Lambda stand-in as its neighbours see it (API Gateway, EventBridge, Step Functions, the control port).
 * Types only: how a function is described, how it is called, what comes back. No product knowledge.
 */
import type { Readable } from 'node:stream';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** One `AWS::Lambda::Function` of the template, with its references resolved. */
export interface FunctionDefinition {
  readonly functionName: string;
  /** Folder that holds the bundle, for example the asset folder with `index.mjs`. */
  readonly codeDirectory: string;
  /** `file.export`, for example `index.handler`. */
  readonly handler: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
  readonly memoryMb: number;
  /** What the function signs its AWS calls with, so that each call can be laid to it. */
  readonly credentials: Credentials;
  readonly reservedConcurrency?: number;
  /** ARN that receives the record of an asynchronous event that was given up. */
  readonly onFailure?: string;
  /** Retries of an asynchronous event after an error: 0 to 2, default 2. */
  readonly maximumRetryAttempts?: number;
  /** Age at which an asynchronous event is given up: 60 to 21,600 seconds, default 21,600. */
  readonly maximumEventAgeSeconds?: number;
}

/** What Lambda answers with `X-Amz-Function-Error: Unhandled`. */
export interface FunctionError {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace?: readonly string[];
}

export type InvokeOutcome = { readonly payload: unknown } | { readonly error: FunctionError };

export interface InvokeOptions {
  /** Ends the caller's wait (the promise rejects with the reason); the function itself runs on, as in Lambda. */
  readonly signal?: AbortSignal;
}

/** The metadata that `awslambda.HttpResponseStream.from(stream, prelude)` sends before the first byte. */
export interface ResponsePrelude {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly multiValueHeaders?: Readonly<Record<string, readonly string[]>>;
  readonly cookies?: readonly string[];
}

export interface StreamedResponse {
  /** Undefined when the handler sent none (a buffered handler, or a raw stream): API Gateway answers 502 then. */
  readonly prelude: ResponsePrelude | undefined;
  /**
   * The bytes after the prelude. Reading slowly slows the handler down; destroying it tells the handler nothing.
   * It is destroyed with a `FunctionFailure` (errors.ts) when the handler fails or its worker dies before the response ended.
   */
  readonly body: Readable;
}

export interface WorkerState {
  readonly workerId: string;
  readonly state: 'starting' | 'idle' | 'busy';
  /** The request it works on, if any. */
  readonly requestId: string | undefined;
}

/** What a worker's code holds now. */
export interface WorkerMemory {
  readonly workerId: string;
  /** Of the heap, garbage included. */
  readonly heapBytes: number;
  /** Of buffers outside it. */
  readonly externalBytes: number;
}

export interface FunctionState {
  readonly functionName: string;
  readonly functionArn: string;
  readonly workers: readonly WorkerState[];
  readonly invocations: number;
  readonly inits: number;
  readonly throttles: number;
  /** Of all invocations together, those under way included. */
  readonly busyMs: number;
  readonly memoryMb: number;
  /** Asynchronous events that are waiting, running or between retries. */
  readonly pendingEvents: number;
}

/**
 * Calls functions in process. `name` is a function name or ARN. An unknown function, a payload over the limit and a
 * throttle reject with a `LambdaError` (errors.ts: `code`, `statusCode`), as the AWS API would answer.
 */
export interface FunctionInvoker {
  /** RequestResponse. A failure of the function is data, not a rejection. */
  invoke(name: string, payload: unknown, options?: InvokeOptions): Promise<InvokeOutcome>;
  /**
   * Resolves with the prelude or the first byte, whichever is first; rejects with a `FunctionFailure` when the
   * function fails before either.
   */
  invokeStreaming(
    name: string,
    payload: unknown,
    options?: InvokeOptions,
  ): Promise<StreamedResponse>;
  /** Event: returns at once; retries, event age and the destination are as configured. Throws a `LambdaError` at once. */
  invokeAsync(name: string, payload: unknown): void;
  functions(): readonly FunctionState[];
  /** Of every worker that runs. */
  memory(name: string): Promise<readonly WorkerMemory[]>;
  /** Ends one worker, or all of a function, in the middle of what they do. Answers the ids that were ended. */
  terminateWorkers(name: string, workerId?: string): Promise<readonly string[]>;
}
