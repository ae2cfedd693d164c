/** Pool tasks and seats as they lie in the state table. */
import { createSchema } from 'electrodb';
import { count, key, maybe, model, text } from './attributes.ts';

export const poolTask = createSchema({
  model: model('pooltask'),
  attributes: {
    launchId: text,
    pool: text,
    /** Absent for a launch of one sandbox. */
    seat: { type: 'number' },
    status: {
      type: ['starting', 'launching', 'free', 'claimed', 'bad'] as const,
      required: true,
    },
    network: { type: ['none', 'internet'] as const, required: true },
    version: text,
    launchedAt: text,
    taskArn: maybe,
    host: maybe,
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
