/** The SDK's client on the DynamoDB stand-in without HTTP between them: what it sends is counted. */
import { Readable } from 'node:stream';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { isDynamoDbError } from '../../local/services/dynamodb/errors.ts';
import type { DynamoDbService } from '../../local/services/dynamodb/service.ts';
import { credentials, region } from './aws-server.ts';

interface Sent {
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export function inProcessClient(service: DynamoDbService) {
  /** Requests by operation. */
  const counts = new Map<string, number>();
  const client = new DynamoDBClient({
    region,
    credentials,
    requestHandler: {
      async handle({ headers, body }: Sent) {
        const operation = headers['x-amz-target']?.split('.').at(-1) ?? '';
        counts.set(operation, (counts.get(operation) ?? 0) + 1);
        const { statusCode, answer } = await answerOf(service, operation, textOf(body));
        return {
          response: {
            statusCode,
            headers: { 'content-type': 'application/x-amz-json-1.0' },
            body: Readable.from([Buffer.from(JSON.stringify(answer))]),
          },
        };
      },
    },
  });
  return { client, counts };
}

const textOf = (body: unknown): string =>
  typeof body === 'string' ? body : new TextDecoder().decode(body as Uint8Array);

async function answerOf(service: DynamoDbService, operation: string, body: string) {
  try {
    return { statusCode: 200, answer: await service.call(operation, JSON.parse(body) as never) };
  } catch (error) {
    if (isDynamoDbError(error)) return { statusCode: error.statusCode, answer: error.body };
    throw error;
  }
}
