/** The pause of the deployment as it lies in the state table: there is one, or none. */
import { createSchema } from 'electrodb';
import { key, model, text } from './attributes.ts';

export const pause = createSchema({
  model: model('pause'),
  attributes: { of: { type: ['deployment'] as const, required: true }, pausedAt: text },
  indexes: { one: { pk: key('pk', 'of'), sk: key('sk') } },
});
