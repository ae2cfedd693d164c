/**
 * The entities of the state table, in ElectroDB: one file for each area in `entities/`, joined here.
 * What an attribute means is said by the entity in `core/`.
 */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { Entity, Service } from 'electrodb';
import { apiKey, keySecret, tenant } from './entities/account.ts';
import { execution } from './entities/execution.ts';
import { idempotency } from './entities/idempotency.ts';
import { pause } from './entities/pause.ts';
import { poolTask, seat } from './entities/pool.ts';
import { rateWindow } from './entities/rate-window.ts';
import { outbox, sandbox, slot } from './entities/sandbox.ts';
import { connection, subscription } from './entities/socket.ts';
import { ticket } from './entities/ticket.ts';
import { transfer } from './entities/transfer.ts';
import { usageDay } from './entities/usage.ts';

export function stateService(client: DynamoDBDocumentClient, table: string) {
  return new Service(
    {
      sandbox: new Entity(sandbox),
      execution: new Entity(execution),
      poolTask: new Entity(poolTask),
      seat: new Entity(seat),
      slot: new Entity(slot),
      outbox: new Entity(outbox),
      apiKey: new Entity(apiKey),
      keySecret: new Entity(keySecret),
      tenant: new Entity(tenant),
      transfer: new Entity(transfer),
      connection: new Entity(connection),
      subscription: new Entity(subscription),
      idempotency: new Entity(idempotency),
      pause: new Entity(pause),
      ticket: new Entity(ticket),
      rateWindow: new Entity(rateWindow),
      usageDay: new Entity(usageDay),
    },
    { client, table },
  );
}
export type StateService = ReturnType<typeof stateService>;
