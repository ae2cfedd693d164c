/** What a key ran on a day, in shards, as it lies in the state table. */
import { createSchema } from 'electrodb';
import { count, key, model, text, ttl } from './attributes.ts';

export const usageDay = createSchema({
  model: model('usageday'),
  attributes: {
    keyId: text,
    day: text,
    shard: count,
    executions: count,
    executionMs: count,
    ttl,
  },
  indexes: { byKey: { pk: key('pk', 'keyId'), sk: key('sk', 'day', 'shard') } },
});
