/** Pool tasks and seats as they lie in the state table. */
import { createSchema } from 'electrodb';
import { count, key, maybe, model, text } from './attributes.ts';

export const poolTask = createSchema({
  model: model('pooltask'),
  attributes: {
    launchId: text,
    pool: text,
    seat: count,
    status: { type: ['starting', 'free', 'claimed', 'bad'] as const, required: true },
    launchedAt: text,
    taskArn: maybe,
    address: maybe,
    sandboxId: maybe,
  },
  indexes: {
    byLaunch: { pk: key('pk', 'launchId'), sk: key('sk') },
    byStatus: { index: 'gsi1', pk: key('gsi1pk', 'pool', 'status'), sk: key('gsi1sk', 'launchId') },
  },
});

export const seat = createSchema({
  model: model('seat'),
  attributes: { pool: text, seat: count, launchId: text, takenAt: text },
  indexes: { bySeat: { pk: key('pk', 'pool'), sk: key('sk', 'seat') } },
});
