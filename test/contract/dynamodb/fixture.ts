/** A DynamoDB stand-in with one table and the SDK's own clients in front of it. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { type DynamoDbOptions, DynamoDbService } from '../../../local/services/dynamodb/service.ts';
import { credentials, region, startAwsServer } from '../../helpers/aws-server.ts';

export const declaration = {
  TableName: 'state',
  BillingMode: 'PAY_PER_REQUEST',
  AttributeDefinitions: [
    { AttributeName: 'pk', AttributeType: 'S' },
    { AttributeName: 'sk', AttributeType: 'S' },
    { AttributeName: 'gpk', AttributeType: 'S' },
    { AttributeName: 'gsk', AttributeType: 'N' },
  ],
  KeySchema: [
    { AttributeName: 'pk', KeyType: 'HASH' },
    { AttributeName: 'sk', KeyType: 'RANGE' },
  ],
  GlobalSecondaryIndexes: [
    {
      IndexName: 'by-group',
      KeySchema: [
        { AttributeName: 'gpk', KeyType: 'HASH' },
        { AttributeName: 'gsk', KeyType: 'RANGE' },
      ],
      Projection: { ProjectionType: 'ALL' },
    },
  ],
};

export const TableName = declaration.TableName;

export async function startTables(options: DynamoDbOptions = {}) {
  const faults: unknown[] = [];
  const service = new DynamoDbService({ onError: (error) => faults.push(error), ...options });
  await service.createTable(declaration);
  const server = await startAwsServer(service);
  const raw = new DynamoDBClient({
    endpoint: server.endpoint,
    region,
    credentials,
    maxAttempts: 1,
  });
  return {
    service,
    raw,
    documents: DynamoDBDocumentClient.from(raw),
    faults,
    async close() {
      raw.destroy();
      await server.close();
    },
  };
}

export async function errorOf(promise: Promise<unknown>): Promise<Error> {
  const [outcome] = await Promise.allSettled([promise]);
  if (outcome?.status !== 'rejected') throw new Error('expected a rejection');
  return outcome.reason as Error;
}
