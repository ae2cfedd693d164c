/**
 * A REST function behind STREAM methods. Its JSON answers go through the same prelude as its
 * streams; an error before the first byte is an ordinary error answer. What an operation leaves
 * running (`background`) is awaited after the response has ended.
 */
import type { Readable } from 'node:stream';
import middy from '@middy/core';
import { executionModeStreamifyResponse } from '@middy/core/StreamifyResponse';
import type { APIGatewayProxyEvent, Context } from 'aws-lambda';
import { AppError } from '../../contract/errors.ts';
import type { OperationId } from '../../contract/operations.ts';
import {
  type Answer,
  type AnswerContext,
  commonHeaders,
  errorToHttp,
  toHttp,
} from './rest-answer.ts';
import { operationIdOf, type RestRequest, readRequest } from './rest-request.ts';
import { logError } from './telemetry.ts';

export interface StreamAnswer {
  readonly stream: Readable;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Background {
  /** Keeps the function running until this settles, also after the response has ended. */
  add(work: Promise<unknown>): void;
}

export type StreamOperations = {
  [Id in OperationId]?: (
    request: RestRequest<Id>,
    background: Background,
  ) => Promise<Answer | StreamAnswer>;
};

export function streamFunction(options: { allowedOrigin: string }, operations: StreamOperations) {
  const contextOf = (event: APIGatewayProxyEvent): AnswerContext => ({
    ...options,
    requestId: event.requestContext.requestId,
  });
  const running = new WeakMap<Context, Promise<void>[]>();
  const plugin = {
    executionMode: executionModeStreamifyResponse,
    async requestEnd(request: { context: Context }) {
      await Promise.all(running.get(request.context) ?? []);
    },
  };
  return middy<APIGatewayProxyEvent, unknown>(plugin as never)
    .use({
      onError(request) {
        request.response = errorToHttp(request.error, contextOf(request.event));
      },
    })
    .handler((event, context) => {
      const works: Promise<void>[] = [];
      running.set(context, works);
      return answer(operations, event, contextOf(event), {
        add: (work) => void works.push(settled(work, event)),
      });
    });
}

/** Work behind an answer has no caller to fail: its failure goes to the log. */
async function settled(work: Promise<unknown>, event: APIGatewayProxyEvent): Promise<void> {
  try {
    await work;
  } catch (error) {
    logError('work behind the answer failed', error, { requestId: event.requestContext.requestId });
  }
}

async function answer(
  operations: StreamOperations,
  event: APIGatewayProxyEvent,
  context: AnswerContext,
  background: Background,
) {
  const id = operationIdOf(event);
  const run = operations[id] as
    | ((request: unknown, background: Background) => Promise<Answer | StreamAnswer>)
    | undefined;
  if (!run) throw new AppError('NOT_FOUND', `There is no ${event.httpMethod} ${event.path}.`);
  const result = await run(readRequest(event, id), background);
  if (!('stream' in result)) return toHttp(id, result, context);
  return {
    statusCode: 200,
    headers: {
      'Content-Type': 'text/event-stream',
      ...commonHeaders(context),
      ...result.headers,
    },
    body: result.stream,
  };
}
