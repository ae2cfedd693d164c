/**
 * A REST function behind BUFFERED methods: operation ids → what they do. Routes, parsing, the
 * envelope and errors come from the contract's table.
 */
import middy from '@middy/core';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { AppError } from '../../contract/errors.ts';
import type { OperationId } from '../../contract/operations.ts';
import { type Answer, errorToHttp, type HttpAnswer, toHttp } from './rest-answer.ts';
import { operationIdOf, type RestRequest, readRequest } from './rest-request.ts';

export type Operations = { [Id in OperationId]?: (request: RestRequest<Id>) => Promise<Answer> };

export function restFunction(operations: Operations) {
  return middy<APIGatewayProxyEvent, HttpAnswer>()
    .use({
      onError(request) {
        request.response = errorToHttp(request.error, request.event.requestContext.requestId);
      },
    })
    .handler((event) => answer(operations, event));
}

async function answer(operations: Operations, event: APIGatewayProxyEvent): Promise<HttpAnswer> {
  const id = operationIdOf(event);
  const run = operations[id] as ((request: unknown) => Promise<Answer>) | undefined;
  if (!run) throw new AppError('NOT_FOUND', `There is no ${event.httpMethod} ${event.path}.`);
  const result = await run(readRequest(event, id));
  return toHttp(id, result, event.requestContext.requestId);
}
