/** The deployment answers, is ready, and knows the key. */
import * as z from 'zod';
import type { Step } from '../step.ts';

const Runtimes = z.object({ items: z.array(z.object({ name: z.string() })) });

export const health: Step = {
  name: 'health',
  run: async ({ api, signal }) => {
    await api.json('/health', z.unknown(), { signal });
    await api.json('/ready', z.unknown(), { signal });
    const { items } = await api.json('/runtimes', Runtimes, { signal });
    return `ready, the key works; runtimes ${items.map(({ name }) => name).join(', ')}`;
  },
};
