/** Tickets as they lie in the state table. Their partition has a name of its own: a grant names it. */
import { createSchema } from 'electrodb';
import { ROLES } from '../../../contract/rest/operation.ts';
import { key, model, text, ttl } from './attributes.ts';

export const ticket = createSchema({
  model: model('ticket'),
  attributes: {
    ticket: text,
    tenantId: text,
    keyId: text,
    role: { type: ROLES, required: true },
    expiresAt: text,
    ttl,
  },
  indexes: { byHash: { pk: key('pk', 'ticket'), sk: key('sk') } },
});
