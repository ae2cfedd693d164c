/** The real DynamoDB adapters over the stand-in, with the tables' own key schema. */
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { dynamoAccountStore } from '../../adapters/dynamo/account-store.ts';
import { stateService } from '../../adapters/dynamo/entities.ts';
import { dynamoExecutionStore } from '../../adapters/dynamo/execution-store.ts';
import { dynamoIdempotencyStore } from '../../adapters/dynamo/idempotency-store.ts';
import { dynamoOutboxStore } from '../../adapters/dynamo/outbox-store.ts';
import { dynamoOutputStore } from '../../adapters/dynamo/output-store.ts';
import { dynamoPauseStore } from '../../adapters/dynamo/pause-store.ts';
import { dynamoPoolStore } from '../../adapters/dynamo/pool-store.ts';
import { dynamoRateWindowStore } from '../../adapters/dynamo/rate-window-store.ts';
import { dynamoSandboxStore } from '../../adapters/dynamo/sandbox-store.ts';
import {
  dynamoConnectionStore,
  dynamoSubscriptionStore,
} from '../../adapters/dynamo/socket-store.ts';
import { dynamoTicketStore } from '../../adapters/dynamo/ticket-store.ts';
import { dynamoTransferStore } from '../../adapters/dynamo/transfer-store.ts';
import { dynamoUsageStore } from '../../adapters/dynamo/usage-store.ts';
import { DynamoDbService } from '../../local/services/dynamodb/service.ts';
import { inProcessClient } from './in-process-dynamodb.ts';

const attribute = (AttributeName: string, AttributeType = 'S') => ({
  AttributeName,
  AttributeType,
});
const keys = (hash: string, range: string) => [
  { AttributeName: hash, KeyType: 'HASH' },
  { AttributeName: range, KeyType: 'RANGE' },
];
const index = (name: string) => ({
  IndexName: name,
  KeySchema: keys(`${name}pk`, `${name}sk`),
  Projection: { ProjectionType: 'ALL' },
});

export async function startStores() {
  const service = new DynamoDbService();
  await service.createTable({
    TableName: 'state',
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: ['pk', 'sk', 'gsi1pk', 'gsi1sk', 'gsi2pk', 'gsi2sk'].map((name) =>
      attribute(name),
    ),
    KeySchema: keys('pk', 'sk'),
    GlobalSecondaryIndexes: [index('gsi1'), index('gsi2')],
  });
  await service.createTable({
    TableName: 'output',
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [attribute('pk'), attribute('sk', 'N')],
    KeySchema: keys('pk', 'sk'),
  });
  const { client: raw, counts } = inProcessClient(service);
  const client = DynamoDBDocumentClient.from(raw, {
    marshallOptions: { removeUndefinedValues: true },
  });
  const state = stateService(client, 'state');
  const close = async () => {
    raw.destroy();
    await service.close();
  };
  return {
    client,
    counts,
    state,
    sandboxes: dynamoSandboxStore(client, state),
    transfers: dynamoTransferStore(client, state),
    pool: dynamoPoolStore(client, state),
    executions: dynamoExecutionStore(client, state, 'output'),
    outbox: dynamoOutboxStore(state),
    output: dynamoOutputStore(client, 'output'),
    accounts: dynamoAccountStore(client, state),
    sockets: dynamoConnectionStore(state),
    subscriptions: dynamoSubscriptionStore(state),
    idempotency: dynamoIdempotencyStore(state),
    pauses: dynamoPauseStore(state),
    tickets: dynamoTicketStore(state),
    windows: dynamoRateWindowStore(state),
    usage: dynamoUsageStore(state),
    close,
    [Symbol.asyncDispose]: close,
  };
}
