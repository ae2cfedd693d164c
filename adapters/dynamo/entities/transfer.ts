/** Uploads and downloads of large files as they lie in the state table. */
import { createSchema } from 'electrodb';
import { TRANSFER_STATES } from '../../../contract/rest/transfers.ts';
import { key, maybe, model, text, ttl } from './attributes.ts';

export const transfer = createSchema({
  model: model('transfer'),
  attributes: {
    id: text,
    kind: { type: ['upload', 'download'] as const, required: true },
    sandboxId: text,
    tenantId: text,
    path: text,
    createdAt: text,
    state: { type: TRANSFER_STATES, required: true },
    leaseUntil: maybe,
    sizeBytes: { type: 'number' },
    sha256: maybe,
    entry: { type: 'any' },
    error: { type: 'any' },
    ttl,
  },
  indexes: { byId: { pk: key('pk', 'id'), sk: key('sk') } },
});
