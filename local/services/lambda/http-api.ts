/**
 * The Lambda API over HTTP: Invoke and InvokeWithResponseStream. It checks what came and writes what AWS would
 * answer; running functions is behind {@link LambdaOperations}.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { AwsRequest } from '../service.ts';
import { FunctionFailure, LambdaError } from './errors.ts';
import { invokeComplete, payloadChunk } from './event-stream.ts';
import { ASYNC_PAYLOAD_BYTES, SYNC_PAYLOAD_BYTES } from './limits.ts';
import { assertPayloadSize, type WholeOutcome } from './sinks.ts';
import type { StreamedResponse } from './types.ts';

export interface LambdaOperations {
  assertFunction(name: string): void;
  invokeText(name: string, payload: string, options: { requestId: string }): Promise<WholeOutcome>;
  streamText(
    name: string,
    payload: string,
    options: { requestId: string; raw: boolean },
  ): Promise<StreamedResponse>;
  acceptText(name: string, payload: string, requestId: string): void;
}

interface Invocation {
  readonly name: string;
  readonly payload: string;
  readonly requestId: string;
}

const INVOKE = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/;
const INVOKE_STREAM = /^\/2021-11-15\/functions\/([^/]+)\/response-streaming-invocations$/;

export async function answerLambdaRequest(
  lambda: LambdaOperations,
  request: AwsRequest,
  response: ServerResponse,
): Promise<void> {
  const requestId = randomUUID();
  response.setHeader('x-amzn-requestid', requestId);
  try {
    const { pathname } = request.url;
    const isPost = request.incoming.method === 'POST';
    const whole = isPost ? INVOKE.exec(pathname)?.[1] : undefined;
    const streamed = isPost ? INVOKE_STREAM.exec(pathname)?.[1] : undefined;
    if (whole !== undefined) {
      await invoke(lambda, { ...invocationOf(request, whole), requestId }, request, response);
    } else if (streamed !== undefined) {
      await invokeStreaming(lambda, { ...invocationOf(request, streamed), requestId }, response);
    } else {
      sendNotImplemented(request, response);
    }
  } catch (error) {
    if (!(error instanceof LambdaError)) throw error;
    sendError(response, error);
  }
}

function invocationOf(request: AwsRequest, encodedName: string): Omit<Invocation, 'requestId'> {
  const body = request.body ?? Buffer.alloc(0);
  const isEvent = request.incoming.headers['x-amz-invocation-type'] === 'Event';
  assertPayloadSize(body.byteLength, isEvent ? ASYNC_PAYLOAD_BYTES : SYNC_PAYLOAD_BYTES);
  const payload = body.byteLength === 0 ? '{}' : body.toString();
  try {
    JSON.parse(payload);
  } catch (error) {
    throw new LambdaError(
      'InvalidRequestContentException',
      `Could not parse request body into json: ${error instanceof Error ? error.message : ''}`,
    );
  }
  return { name: decodeName(encodedName), payload };
}

function decodeName(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    throw new LambdaError('InvalidParameterValueException', `No function name: ${encoded}`);
  }
}

async function invoke(
  lambda: LambdaOperations,
  { name, payload, requestId }: Invocation,
  request: AwsRequest,
  response: ServerResponse,
): Promise<void> {
  const type = request.incoming.headers['x-amz-invocation-type'] ?? 'RequestResponse';
  response.setHeader('x-amz-executed-version', '$LATEST');
  if (type === 'Event') {
    lambda.acceptText(name, payload, requestId);
    response.writeHead(202).end();
  } else if (type === 'DryRun') {
    lambda.assertFunction(name);
    response.writeHead(204).end();
  } else if (type === 'RequestResponse') {
    const outcome = await lambda.invokeText(name, payload, { requestId });
    const failed = 'error' in outcome;
    if (failed) response.setHeader('x-amz-function-error', 'Unhandled');
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(failed ? JSON.stringify(outcome.error) : outcome.text);
  } else {
    throw new LambdaError(
      'InvalidParameterValueException',
      `Invocation type ${String(type)} is none of RequestResponse, Event, DryRun`,
    );
  }
}

async function invokeStreaming(
  lambda: LambdaOperations,
  { name, payload, requestId }: Invocation,
  response: ServerResponse,
): Promise<void> {
  response.setHeader('x-amz-executed-version', '$LATEST');
  response.setHeader('content-type', 'application/vnd.amazon.eventstream');
  try {
    const { body } = await lambda.streamText(name, payload, { requestId, raw: true });
    // A client that left is nothing to the function; the body then takes no more.
    if (response.destroyed) body.destroy();
    else response.once('close', () => body.destroy());
    response.flushHeaders();
    for await (const bytes of body as AsyncIterable<Uint8Array>) {
      if (!send(response, payloadChunk(bytes))) await drained(response);
    }
    send(response, invokeComplete());
  } catch (error) {
    if (response.destroyed) return;
    if (!(error instanceof FunctionFailure)) throw error;
    const { errorType, errorMessage } = error.functionError;
    send(response, invokeComplete({ code: errorType, details: errorMessage }));
  }
  response.end();
}

/**
 * Sends a frame with one write, and answers whether the socket takes more. Corking would cost no
 * copy, but a corked response asks for a 'drain' that need not come: its own buffer was full, the
 * socket's was not.
 */
function send(response: ServerResponse, parts: readonly Uint8Array[]): boolean {
  return response.write(Buffer.concat(parts));
}

async function drained(response: ServerResponse): Promise<void> {
  if (response.destroyed) return;
  const settled = new AbortController();
  const { signal } = settled;
  // Either may come first; the loser's listener goes with the signal.
  await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })]);
  settled.abort();
}

function sendError(response: ServerResponse, error: LambdaError): void {
  const reason = error.reason === undefined ? {} : { Reason: error.reason };
  response
    .writeHead(error.statusCode, {
      'content-type': 'application/json',
      'x-amzn-errortype': error.code,
    })
    .end(
      JSON.stringify({ Type: 'User', message: error.message, Message: error.message, ...reason }),
    );
}

function sendNotImplemented(request: AwsRequest, response: ServerResponse): void {
  const message = `lambda: ${request.incoming.method} ${request.url.pathname} has no stand-in`;
  response
    .writeHead(501, {
      'content-type': 'application/json',
      'x-amzn-errortype': 'NotImplementedException',
    })
    .end(JSON.stringify({ message }));
}
