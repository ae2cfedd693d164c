/**
 * The entities of the two tables, in ElectroDB. Key names are the tables' own: `pk`, `sk`, and the
 * indexes `gsi1`, `gsi2`. What an attribute means is said by the entity in `core/`.
 */
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { createSchema, Entity, Service } from 'electrodb';
import { OUTCOMES } from '../../contract/events.ts';
import { ROLES } from '../../contract/rest/operation.ts';
import { END_REASONS } from '../../contract/rest/sandboxes.ts';
import { LANGUAGES } from '../../contract/runtimes.ts';

const text = { type: 'string', required: true } as const;
const maybe = { type: 'string' } as const;
const count = { type: 'number', required: true } as const;
/** DynamoDB's time to live: seconds since the epoch. */
const ttl = { type: 'number', field: 'expiresAtSeconds' } as const;

const key = <const C extends readonly string[]>(field: string, ...composite: C) => ({
  field,
  composite,
  casing: 'none' as const,
});
const model = (entity: string) => ({ entity, service: 'ci', version: '1' });

const sandbox = createSchema({
  model: model('sandbox'),
  attributes: {
    id: text,
    tenantId: text,
    status: { type: ['creating', 'running', 'stopping', 'stopped'] as const, required: true },
    runtime: text,
    resources: { type: 'any', required: true },
    network: { type: 'any', required: true },
    name: maybe,
    metadata: { type: 'any', required: true },
    createdAt: text,
    startedAt: maybe,
    expiresAt: text,
    stoppedAt: maybe,
    endReason: { type: END_REASONS },
    launchId: text,
    taskArn: text,
    address: text,
    controlToken: text,
    accessToken: text,
    runningExecutions: count,
    /** Present until it has stopped: the sparse index of what may become overdue. */
    liveState: { type: ['live'] as const },
    overdueAt: maybe,
    ttl,
  },
  indexes: {
    byId: { pk: key('pk', 'id'), sk: key('sk') },
    byTenant: {
      index: 'gsi1',
      pk: key('gsi1pk', 'tenantId'),
      sk: key('gsi1sk', 'createdAt', 'id'),
    },
    byOverdue: {
      index: 'gsi2',
      pk: key('gsi2pk', 'liveState'),
      sk: key('gsi2sk', 'overdueAt'),
    },
  },
});

const execution = createSchema({
  model: model('execution'),
  attributes: {
    id: text,
    sandboxId: text,
    tenantId: text,
    language: { type: LANGUAGES, required: true },
    timeoutMs: count,
    createdAt: text,
    status: { type: ['running', 'finished', 'lost'] as const, required: true },
    lastSeq: count,
    truncated: { type: 'boolean', required: true },
    executionCount: { type: 'number' },
    outcome: { type: OUTCOMES },
    exitCode: { type: 'number' },
    metrics: { type: 'any' },
    finishedAt: maybe,
    leaseOwner: maybe,
    leaseEpoch: count,
    /** Present while it runs: the sparse index of leases. */
    leaseState: { type: ['held'] as const },
    leaseUntil: maybe,
    ttl,
  },
  indexes: {
    byId: { pk: key('pk', 'id'), sk: key('sk') },
    bySandbox: {
      index: 'gsi1',
      pk: key('gsi1pk', 'sandboxId'),
      sk: key('gsi1sk', 'createdAt', 'id'),
    },
    byLease: {
      index: 'gsi2',
      pk: key('gsi2pk', 'leaseState'),
      sk: key('gsi2sk', 'leaseUntil'),
    },
  },
});

const poolTask = createSchema({
  model: model('pooltask'),
  attributes: {
    launchId: text,
    pool: text,
    seat: count,
    status: { type: ['starting', 'free', 'claimed', 'bad'] as const, required: true },
    launchedAt: text,
    taskArn: maybe,
    address: maybe,
    sandboxId: maybe,
  },
  indexes: {
    byLaunch: { pk: key('pk', 'launchId'), sk: key('sk') },
    byStatus: { index: 'gsi1', pk: key('gsi1pk', 'pool', 'status'), sk: key('gsi1sk', 'launchId') },
  },
});

const seat = createSchema({
  model: model('seat'),
  attributes: { pool: text, seat: count, launchId: text, takenAt: text },
  indexes: { bySeat: { pk: key('pk', 'pool'), sk: key('sk', 'seat') } },
});

const apiKey = createSchema({
  model: model('apikey'),
  attributes: {
    sha256: text,
    id: text,
    tenantId: text,
    role: { type: ROLES, required: true },
    name: text,
    createdAt: text,
    revokedAt: maybe,
  },
  indexes: {
    byHash: { pk: key('pk', 'sha256'), sk: key('sk') },
    byTenant: { index: 'gsi1', pk: key('gsi1pk', 'tenantId'), sk: key('gsi1sk', 'id') },
  },
});

const tenant = createSchema({
  model: model('tenant'),
  attributes: { id: text, name: text, createdAt: text },
  indexes: { byId: { pk: key('pk', 'id'), sk: key('sk') } },
});

export function stateService(client: DynamoDBDocumentClient, table: string) {
  return new Service(
    {
      sandbox: new Entity(sandbox),
      execution: new Entity(execution),
      poolTask: new Entity(poolTask),
      seat: new Entity(seat),
      apiKey: new Entity(apiKey),
      tenant: new Entity(tenant),
    },
    { client, table },
  );
}
export type StateService = ReturnType<typeof stateService>;
