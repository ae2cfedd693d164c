/** What API Gateway hands on → an operation's input, or the one refusal that names what is wrong. */
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { describe, expect, test } from 'vitest';
import { AppError } from '../../../contract/errors.ts';
import type { OperationId } from '../../../contract/operations.ts';
import { metadataFilter } from '../../../lambdas/sandboxes/metadata-filter.ts';
import { readRequest } from '../../../lambdas/shared/rest-request.ts';

const authorizer = {
  tenantId: `tn${'0'.repeat(20)}`,
  keyId: `ky${'0'.repeat(20)}`,
  role: 'developer',
  liveSandboxes: '10',
  requestsPerSecond: '20',
};

function eventOf(parts: { body?: string; query?: string }): APIGatewayProxyEvent {
  const pairs = [...new URLSearchParams(parts.query ?? '')];
  const all = Map.groupBy(pairs, ([name]) => name);
  return {
    headers: { 'content-type': 'application/json' },
    body: parts.body ?? null,
    isBase64Encoded: false,
    queryStringParameters: Object.fromEntries(pairs),
    multiValueQueryStringParameters: Object.fromEntries(
      [...all].map(([name, values]) => [name, values.map(([, value]) => value)]),
    ),
    requestContext: { requestId: 'request', stage: 'api', authorizer },
  } as unknown as APIGatewayProxyEvent;
}

function refusalOf(id: OperationId, parts: { body?: string; query?: string }) {
  try {
    readRequest(eventOf(parts), id);
  } catch (error) {
    if (error instanceof AppError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error('it was accepted');
}

describe('a name that JavaScript gives a meaning', () => {
  test.each(['metadata', 'env'])('is refused in %s, not dropped', (field) => {
    const body = `{"runtime":"python","${field}":{"__proto__":"x"}}`;
    expect(refusalOf('createSandbox', { body })).toEqual({
      code: 'VALIDATION_ERROR',
      message: `body: ${field}.__proto__ is not a valid name`,
    });
  });

  test('is refused as a field and as a parameter', () => {
    expect(refusalOf('createSandbox', { body: '{"__proto__":1,"runtime":"python"}' })).toEqual({
      code: 'VALIDATION_ERROR',
      message: 'body: __proto__ is not a valid name',
    });
    expect(refusalOf('listSandboxes', { query: '__proto__=x' })).toEqual({
      code: 'VALIDATION_ERROR',
      message: 'query: __proto__ is not a valid name',
    });
  });

  test('narrows a list as any other name does', () => {
    const { query } = readRequest(eventOf({ query: 'metadata.__proto__=x' }), 'listSandboxes');
    expect(Object.entries(metadataFilter(query).metadata)).toEqual([['__proto__', 'x']]);
  });
});

test('a parameter that is given twice is refused, with its name', () => {
  expect(refusalOf('listSandboxes', { query: 'limit=1&limit=2' })).toEqual({
    code: 'VALIDATION_ERROR',
    message: 'query: limit must be given once, got 2 times',
  });
});
