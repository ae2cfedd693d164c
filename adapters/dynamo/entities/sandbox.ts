/** Sandboxes, the slots of their tenants and the events to be told as they lie in the state table. */
import { createSchema } from 'electrodb';
import { END_REASONS } from '../../../contract/rest/sandboxes.ts';
import { count, key, maybe, model, text, ttl } from './attributes.ts';

export const sandbox = createSchema({
  model: model('sandbox'),
  attributes: {
    id: text,
    tenantId: text,
    slot: count,
    deploymentSlot: { type: 'number' },
    status: { type: ['creating', 'running', 'stopping', 'stopped'] as const, required: true },
    runtime: text,
    resources: { type: 'any', required: true },
    network: { type: 'any', required: true },
    name: maybe,
    metadata: { type: 'any', required: true },
    /** Of one that is creating. */
    env: { type: 'any' },
    ownLaunch: maybe,
    estimatedReadyAt: maybe,
    createdAt: text,
    startedAt: maybe,
    lifetimeMs: count,
    expiresAt: text,
    endRequestedAt: maybe,
    stoppedAt: maybe,
    endReason: { type: END_REASONS },
    launchId: maybe,
    taskArn: maybe,
    host: maybe,
    controlToken: text,
    accessToken: text,
    lifecycleToken: maybe,
    runningExecutions: count,
    watched: { type: 'boolean' },
    unread: { type: 'number' },
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

/**
 * One place of a tenant, or of the deployment in a tenant's stead, while a live sandbox takes it. Not in the partition
 * of the tenant's keys: who writes slots may not write those.
 */
export const slot = createSchema({
  model: model('slot'),
  attributes: { owner: text, slot: count, sandboxId: text },
  indexes: { bySlot: { pk: key('pk', 'owner'), sk: key('sk', 'slot') } },
});

export const outbox = createSchema({
  model: model('outbox'),
  attributes: {
    id: text,
    type: { type: ['SandboxTerminated'] as const, required: true },
    at: text,
    detail: { type: 'any', required: true },
    state: { type: ['pending'] as const, required: true },
  },
  indexes: {
    byId: { pk: key('pk', 'id'), sk: key('sk') },
    byState: { index: 'gsi2', pk: key('gsi2pk', 'state'), sk: key('gsi2sk', 'at', 'id') },
  },
});
