/** Connections of the WebSocket and their subscriptions as they lie in the state table. */
import { createSchema } from 'electrodb';
import { ROLES } from '../../../contract/rest/operation.ts';
import { count, key, maybe, model, text, ttl } from './attributes.ts';

export const connection = createSchema({
  model: model('connection'),
  attributes: {
    id: text,
    tenantId: text,
    keyId: text,
    role: { type: ROLES, required: true },
    connectedAt: text,
    ttl,
  },
  indexes: {
    byId: { pk: key('pk', 'id'), sk: key('sk') },
    byTenant: { index: 'gsi1', pk: key('gsi1pk', 'tenantId'), sk: key('gsi1sk', 'id') },
  },
});

/** All of a sandbox in one partition: a relay finds its readers by one query, as they are now. */
export const subscription = createSchema({
  model: model('subscription'),
  attributes: {
    sandboxId: text,
    target: text,
    connectionId: text,
    tenantId: text,
    delivery: count,
    version: text,
    mode: { type: ['push', 'pull'] as const, required: true },
    after: count,
    acked: count,
    owedBytes: { type: 'number' },
    ackId: maybe,
    ttl,
  },
  indexes: {
    bySandbox: { pk: key('pk', 'sandboxId'), sk: key('sk', 'target', 'connectionId') },
    byConnection: {
      index: 'gsi1',
      pk: key('gsi1pk', 'connectionId'),
      sk: key('gsi1sk', 'target'),
    },
  },
});
