/**
 * Errors as DynamoDB words them: an HTTP status and the JSON body that the SDK turns into a typed exception.
 */
import { validationError } from 'dynalite/db/index.js';

const MODEL = 'com.amazonaws.dynamodb.v20120810';

/** The form that dynalite's own errors have as well. */
export interface DynamoDbError extends Error {
  readonly statusCode: number;
  readonly body: Record<string, unknown>;
}

export function isDynamoDbError(error: unknown): error is DynamoDbError {
  return error instanceof Error && 'statusCode' in error && 'body' in error;
}

export function isConditionalCheckFailed(error: unknown): error is DynamoDbError {
  return isDynamoDbError(error) && error.body.__type === `${MODEL}#ConditionalCheckFailedException`;
}

export function isValidationError(error: unknown): error is DynamoDbError {
  return isDynamoDbError(error) && String(error.body.__type).endsWith('#ValidationException');
}

export function modelError(
  name: string,
  message: string,
  facts: Record<string, unknown> = {},
): DynamoDbError {
  return withBody(`${MODEL}#${name}`, message, facts);
}

export function protocolError(name: string, message: string): DynamoDbError {
  return withBody(`com.amazon.coral.service#${name}`, message, {});
}

export function invalid(message: string): Error {
  return validationError(message);
}

export function tableNotFound(table: unknown): DynamoDbError {
  return modelError(
    'ResourceNotFoundException',
    `Requested resource not found: Table: ${String(table)} not found`,
  );
}

function withBody(type: string, message: string, facts: Record<string, unknown>): DynamoDbError {
  const body = { __type: type, message, ...facts };
  return Object.assign(new Error(message), { statusCode: 400, body });
}
