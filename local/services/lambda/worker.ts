/**
 * The inside of a Lambda environment: loads one bundle in a worker thread and runs one event at a time.
 * It must know nothing but node and the messages of protocol.ts: what it imports is loaded for each worker.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { FromWorker, ToWorker, WorkerSettings } from './protocol.ts';
import { ResponseStream } from './response-stream.ts';
import type { FunctionError } from './types.ts';

type Handler = (event: unknown, ...rest: unknown[]) => unknown;
type StreamOptions = { highWaterMark?: number };

const streamed = new WeakMap<object, StreamOptions>();

/** Thrown by us while loading, so that the caller sees the error type that Lambda gives. */
class InitError extends Error {
  readonly errorType: string;
  constructor(errorType: string, message: string) {
    super(message);
    this.errorType = errorType;
  }
}

function toFunctionError(thrown: unknown): FunctionError {
  if (thrown instanceof InitError)
    return { errorType: thrown.errorType, errorMessage: thrown.message };
  if (thrown instanceof Error) {
    return {
      errorType: thrown.name,
      errorMessage: thrown.message,
      trace: (thrown.stack ?? '').split('\n'),
    };
  }
  return { errorType: typeof thrown, errorMessage: String(thrown), trace: [] };
}

/** The global that the managed Node runtime gives to handlers. */
function installRuntimeGlobal(): void {
  const awslambda = {
    streamifyResponse(handler: Handler, options: StreamOptions = {}): Handler {
      streamed.set(handler, options);
      return handler;
    },
    HttpResponseStream: {
      from(stream: ResponseStream, prelude: unknown): ResponseStream {
        stream.setContentType('application/vnd.awslambda.http-integration-response');
        stream.setPrelude(prelude);
        return stream;
      },
    },
  };
  Object.assign(globalThis, { awslambda });
}

/** Output takes the same way as results, so a line is never later than the answer that followed it. */
function captureOutput(send: (message: FromWorker) => void): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.write = (chunk: Uint8Array | string, ...rest: unknown[]): boolean => {
      send({
        type: 'log',
        text: typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString(),
      });
      const callback = rest.find((argument) => typeof argument === 'function');
      if (callback !== undefined) process.nextTick(callback);
      return true;
    };
  }
}

async function loadHandler(settings: WorkerSettings): Promise<Handler> {
  const separator = settings.handler.indexOf('.', settings.handler.lastIndexOf('/') + 1);
  const base = path.join(settings.codeDirectory, settings.handler.slice(0, separator));
  const file = ['.mjs', '.js', '.cjs'].map((end) => base + end).find((name) => existsSync(name));
  if (file === undefined) {
    throw new InitError('Runtime.ImportModuleError', `Cannot find module '${base}'`);
  }
  let found: unknown = await import(pathToFileURL(file).href);
  for (const part of settings.handler.slice(separator + 1).split('.')) {
    found = (found as Record<string, unknown> | undefined)?.[part];
  }
  if (typeof found !== 'function') {
    throw new InitError(
      'Runtime.HandlerNotFound',
      `${settings.handler} is undefined or not exported`,
    );
  }
  return found as Handler;
}

function contextOf(settings: WorkerSettings, requestId: string, timeoutMs: number): object {
  const deadline = performance.now() + timeoutMs;
  return {
    awsRequestId: requestId,
    callbackWaitsForEmptyEventLoop: true,
    functionName: settings.functionName,
    functionVersion: '$LATEST',
    invokedFunctionArn: settings.functionArn,
    memoryLimitInMB: String(settings.memoryMb),
    logGroupName: `/aws/lambda/${settings.functionName}`,
    logStreamName: settings.logStreamName,
    getRemainingTimeInMillis: () => Math.max(0, Math.round(deadline - performance.now())),
  };
}

async function runStreamed(run: () => unknown, stream: ResponseStream): Promise<void> {
  const finished = new Promise<void>((resolve, reject) => {
    stream.once('finish', resolve);
    stream.once('error', reject);
  });
  // The handler may fail first; its own error is the one to report.
  finished.catch(() => undefined);
  await run();
  await finished;
}

async function main(port: MessagePort, settings: WorkerSettings): Promise<void> {
  const send = (message: FromWorker): void => port.postMessage(message);
  let stream: ResponseStream | undefined;
  captureOutput(send);
  installRuntimeGlobal();
  const handler = await loadHandler(settings);
  const streamOptions = streamed.get(handler);

  const invoke = async (message: ToWorker & { type: 'invoke' }): Promise<void> => {
    const context = contextOf(settings, message.requestId, message.timeoutMs);
    try {
      const event: unknown = JSON.parse(message.payload);
      if (streamOptions === undefined) {
        send({ type: 'result', json: JSON.stringify(await handler(event, context)) ?? 'null' });
        return;
      }
      const response = new ResponseStream(port, streamOptions.highWaterMark);
      stream = response;
      await runStreamed(() => handler(event, response, context), response);
      send({ type: 'done' });
    } catch (thrown) {
      console.error(thrown);
      send({ type: 'failed', error: toFunctionError(thrown) });
    }
  };

  port.on('message', (message: ToWorker) => {
    if (message.type === 'invoke') void invoke(message);
    else if (message.type === 'taken') stream?.taken(message.bytes);
    else stream?.consumerLeft();
  });
  send({ type: 'ready' });
}

if (parentPort !== null) {
  const port = parentPort;
  try {
    await main(port, workerData as WorkerSettings);
  } catch (thrown) {
    port.postMessage({ type: 'initFailed', error: toFunctionError(thrown) } satisfies FromWorker);
    port.close();
  }
}
