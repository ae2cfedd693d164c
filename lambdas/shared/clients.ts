/** Clients and stores as the functions' `wire.ts` files put them together. */
import { ApiGatewayManagementApiClient } from '@aws-sdk/client-apigatewaymanagementapi';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { apiGatewayConnections } from '../../adapters/api-gateway/connections.ts';
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

/** Whoever does not answer in this time is asked again: a lease must not lapse over one request. */
export const BOUNDED = {
  requestHandler: { connectionTimeout: 1_000, requestTimeout: 3_000, throwOnRequestTimeout: true },
} as const;
/** A segment has up to a few MiB. */
export const SEGMENTS = {
  requestHandler: { connectionTimeout: 1_000, requestTimeout: 10_000, throwOnRequestTimeout: true },
} as const;
/** A post is repeated by whoever sends it; each reader of an execution may have one under way. */
const POSTS = {
  maxAttempts: 1,
  requestHandler: {
    connectionTimeout: 1_000,
    requestTimeout: 5_000,
    throwOnRequestTimeout: true,
    httpAgent: { maxSockets: 512 },
    httpsAgent: { maxSockets: 512 },
  },
} as const;
/** An invoke may last: its own deadlines bound it. */
export const CONNECTING = { requestHandler: { connectionTimeout: 1_000 } } as const;

/** Without this a PUT would be signed with the checksum of an empty body. */
export const presigningClient = () =>
  new S3Client({ ...BOUNDED, requestChecksumCalculation: 'WHEN_REQUIRED' });

export function documentClient(): DynamoDBDocumentClient {
  const client = new DynamoDBClient(BOUNDED);
  return DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
}

export function stateStores(client: DynamoDBDocumentClient, table: string) {
  const state = stateService(client, table);
  return {
    sandboxes: dynamoSandboxStore(client, state),
    transfers: dynamoTransferStore(client, state),
    pool: dynamoPoolStore(client, state),
    outbox: dynamoOutboxStore(state),
    accounts: dynamoAccountStore(client, state),
    idempotency: dynamoIdempotencyStore(state),
    pauses: dynamoPauseStore(state),
    tickets: dynamoTicketStore(state),
    windows: dynamoRateWindowStore(state),
    usage: dynamoUsageStore(state),
  };
}

export function executionStores(
  client: DynamoDBDocumentClient,
  tables: { state: string; output: string },
) {
  return {
    executions: dynamoExecutionStore(client, stateService(client, tables.state), tables.output),
    output: dynamoOutputStore(client, tables.output),
  };
}

export function socketStores(client: DynamoDBDocumentClient, table: string) {
  const state = stateService(client, table);
  return { sockets: dynamoConnectionStore(state), subscriptions: dynamoSubscriptionStore(state) };
}

/** @param url of the stage's management API; never taken from a request */
export const connectionsOf = (url: string) =>
  apiGatewayConnections(new ApiGatewayManagementApiClient({ ...POSTS, endpoint: url }));
