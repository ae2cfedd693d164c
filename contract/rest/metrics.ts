/** What a sandbox uses, over REST: the samples of the last hour, as its agent has them. */
import * as z from 'zod/mini';
import { SampleList } from '../agent/metrics.ts';
import { SandboxId } from '../ids.ts';
import { operation } from './operation.ts';

const Instant = z.optional(z.iso.datetime());

export const metricOperations = {
  getMetrics: operation({
    method: 'GET',
    path: '/sandboxes/{sandboxId}/metrics',
    role: 'viewer',
    summary: 'Read what a sandbox uses: samples 5 s apart, of the last hour while it runs',
    params: z.strictObject({ sandboxId: SandboxId }),
    query: z.strictObject({ from: Instant, to: Instant }),
    answers: { 200: SampleList },
    errors: ['SANDBOX_NOT_FOUND', 'SANDBOX_GONE', 'INVALID_SANDBOX_STATE', 'AGENT_UNREACHABLE'],
  }),
};
