/** What the E2B wire tells of the use of a sandbox. */
import { expect, it } from 'vitest';
import type { E2bExchange } from '../../../containers/agent/e2b/exchange.ts';
import { PLAIN_ROUTES } from '../../../containers/agent/e2b/plain-routes.ts';
import type { Reading } from '../../../containers/agent/metrics/readings.ts';
import { Sampler } from '../../../containers/agent/metrics/sampler.ts';

it('is measured when nothing has been measured yet', async () => {
  const reading = { cpuCount: 2, memoryUsedBytes: 1_048_576, memoryLimitBytes: 4_194_304 };
  const sampler = new Sampler({ read: async () => reading as Reading });
  const route = PLAIN_ROUTES.find(({ pattern }) => pattern.test('/e2b/envd/metrics'));
  const told = await route?.handle({ sandbox: { sampler } } as unknown as E2bExchange, '');
  expect(told).toMatchObject({ cpu_count: 2, mem_total_mib: 4, mem_used_mib: 1 });
});
