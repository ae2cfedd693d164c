/** Claims on idempotency keys as they lie in the state table. */
import { createSchema } from 'electrodb';
import { key, model, text, ttl } from './attributes.ts';

export const idempotency = createSchema({
  model: model('idempotency'),
  attributes: {
    tenantId: text,
    operation: text,
    key: text,
    bodySha256: text,
    resultId: text,
    expiresAt: text,
    ttl,
  },
  // The key comes last: it is the caller's own text, and may hold what separates the others.
  indexes: { byKey: { pk: key('pk', 'tenantId', 'operation', 'key'), sk: key('sk') } },
});
