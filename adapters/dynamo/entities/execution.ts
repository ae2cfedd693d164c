/** Executions and the leases on their logs as they lie in the state table. */
import { createSchema } from 'electrodb';
import { OUTCOMES } from '../../../contract/events.ts';
import { LANGUAGES } from '../../../contract/runtimes.ts';
import { count, key, maybe, model, text, ttl } from './attributes.ts';

export const execution = createSchema({
  model: model('execution'),
  attributes: {
    id: text,
    sandboxId: text,
    tenantId: text,
    contextId: maybe,
    keyId: maybe,
    language: { type: LANGUAGES },
    pid: { type: 'number' },
    watch: maybe,
    readUntil: maybe,
    timeoutMs: { type: 'number' },
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
