/** Sandboxes as they lie in the state table. */
import { createSchema } from 'electrodb';
import { END_REASONS } from '../../../contract/rest/sandboxes.ts';
import { count, key, maybe, model, text, ttl } from './attributes.ts';

export const sandbox = createSchema({
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
