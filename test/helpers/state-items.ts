/** One item of each kind, with the partition that the entities give it: for the policies that name partitions. */

import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { stateService } from '../../adapters/dynamo/entities.ts';

export interface Item {
  readonly pk: string;
}

const TENANT = `tn${'a'.repeat(20)}`;
const SANDBOX = `sb${'b'.repeat(20)}`;
const AT = '2026-01-01T00:00:00.000Z';

export function stateItems() {
  const client = DynamoDBDocumentClient.from(new DynamoDBClient({ region: 'eu-central-1' }));
  const { entities } = stateService(client, 'state');
  const keyOf = (params: object): Item => (params as { Key: Item }).Key;
  const { apiKey, keySecret, tenant, ticket, sandbox, execution, slot, connection } = entities;
  const { idempotency, usageDay, rateWindow, transfer, subscription, poolTask, seat } = entities;
  return {
    whoIsWho: {
      secret: keyOf(keySecret.get({ sha256: 'c'.repeat(64) }).params()),
      key: keyOf(apiKey.get({ tenantId: TENANT, id: `ky${'d'.repeat(20)}` }).params()),
      tenant: keyOf(tenant.get({ id: TENANT }).params()),
      ticket: keyOf(ticket.get({ ticket: 'e'.repeat(64) }).params()),
    },
    others: {
      sandbox: keyOf(sandbox.get({ id: SANDBOX }).params()),
      execution: keyOf(execution.get({ id: `ex${'f'.repeat(20)}` }).params()),
      slot: keyOf(slot.get({ owner: TENANT, slot: 1 }).params()),
      'connection that begins as a tenant': keyOf(
        connection.get({ id: 'tnR1pcJvFiAAAg=' }).params(),
      ),
      'claim on an idempotency key': keyOf(
        idempotency.get({ tenantId: TENANT, operation: 'createKey', key: '#' }).params(),
      ),
      'day of usage': keyOf(usageDay.get({ keyId: 'k', day: AT.slice(0, 10), shard: 0 }).params()),
      'minute of a key': keyOf(rateWindow.get({ keyId: 'k', minute: 1 }).params()),
      transfer: keyOf(transfer.get({ id: `up${'g'.repeat(20)}` }).params()),
      subscription: keyOf(
        subscription.get({ sandboxId: SANDBOX, target: 't', connectionId: 'c' }).params(),
      ),
      'pool task': keyOf(poolTask.get({ launchId: 'l' }).params()),
      seat: keyOf(seat.get({ pool: 'p', seat: 1 }).params()),
    },
  };
}
