/**
 * A REST function behind BUFFERED methods: operation ids → what they do. Routes, parsing, the
 * envelope and errors come from the contract's table.
 */
import middy from '@middy/core';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { AppError } from '../../contract/errors.ts';
import type { OperationId } from '../../contract/operations.ts';
import {
  type Answer,
  type AnswerContext,
  errorToHttp,
  type HttpAnswer,
  toHttp,
} from './rest-answer.ts';
import { operationIdOf, type RestRequest, readRequest } from './rest-request.ts';

export type Operations = { [Id in OperationId]?: (request: RestRequest<Id>) => Promise<Answer> };

export function restFunction(options: { allowedOrigin: string }, operations: Operations) {
  const contextOf = (event: APIGatewayProxyEvent): AnswerContext => ({
    ...options,
    requestId: event.requestContext.requestId,
  });
  return middy<APIGatewayProxyEvent, HttpAnswer>()
    .use({
      onError(request) {
        request.response = errorToHttp(request.error, contextOf(request.event));
      },
    })
    .handler((event) => answer(operations, event, contextOf(event)));
}

async function answer(
  operations: Operations,
  event: APIGatewayProxyEvent,
  context: AnswerContext,
): Promise<HttpAnswer> {
  const id = operationIdOf(event);
  const run = operations[id] as ((request: unknown) => Promise<Answer>) | undefined;
  if (!run) throw new AppError('NOT_FOUND', `There is no ${event.httpMethod} ${event.path}.`);
  const result = await run(readRequest(event, id));
  return toHttp(id, result, context);
}
