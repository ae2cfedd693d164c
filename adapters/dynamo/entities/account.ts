/** Tenants, keys and whose a secret is, as they lie in the state table. */
import { createSchema } from 'electrodb';
import { ROLES } from '../../../contract/rest/operation.ts';
import { count, key, maybe, model, text, ttl } from './attributes.ts';

export const tenant = createSchema({
  model: model('tenant'),
  attributes: {
    id: text,
    name: text,
    createdAt: text,
    limits: { type: 'any', required: true },
    /** Keys that can make keys, do not expire and are not revoked. */
    standingKeys: count,
    /** The one list of all. */
    list: { type: ['tenants'] as const, required: true },
  },
  indexes: {
    byId: { pk: key('pk', 'id'), sk: key('sk') },
    all: { index: 'gsi1', pk: key('gsi1pk', 'list'), sk: key('gsi1sk', 'createdAt', 'id') },
  },
});

export const apiKey = createSchema({
  model: model('apikey'),
  attributes: {
    tenantId: text,
    id: text,
    name: text,
    role: { type: ROLES, required: true },
    createdAt: text,
    expiresAt: maybe,
    revokedAt: maybe,
    rotatedAt: maybe,
    sha256: text,
    previousSha256: maybe,
    previousUntil: maybe,
  },
  indexes: {
    byId: { pk: key('pk', 'tenantId'), sk: key('sk', 'id') },
    byTenant: {
      index: 'gsi1',
      pk: key('gsi1pk', 'tenantId'),
      sk: key('gsi1sk', 'createdAt', 'id'),
    },
  },
});

/** Points to a key; whether the secret still works is said by the key alone. */
export const keySecret = createSchema({
  model: model('keysecret'),
  attributes: { sha256: text, tenantId: text, keyId: text, ttl },
  indexes: { byHash: { pk: key('pk', 'sha256'), sk: key('sk') } },
});
