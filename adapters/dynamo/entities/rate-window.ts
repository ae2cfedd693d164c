/** What a key has started in a minute, as it lies in the state table. */
import { createSchema } from 'electrodb';
import { count, key, model, text, ttl } from './attributes.ts';

export const rateWindow = createSchema({
  model: model('ratewindow'),
  attributes: { keyId: text, minute: count, taken: count, ttl },
  indexes: { byKey: { pk: key('pk', 'keyId', 'minute'), sk: key('sk') } },
});
