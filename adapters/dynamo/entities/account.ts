/** Tenants and keys as they lie in the state table. */
import { createSchema } from 'electrodb';
import { ROLES } from '../../../contract/rest/operation.ts';
import { key, maybe, model, text } from './attributes.ts';

export const apiKey = createSchema({
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

export const tenant = createSchema({
  model: model('tenant'),
  attributes: { id: text, name: text, createdAt: text },
  indexes: { byId: { pk: key('pk', 'id'), sk: key('sk') } },
});
