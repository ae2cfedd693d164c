/** A sandbox is made, and runs. */
import type { Step } from '../step.ts';

/** It ends by itself should this test be killed. */
const LIFETIME_MS = 600_000;
/** A cold start takes up to a minute, and may be tried again. */
const WAIT_MS = 240_000;

export const create: Step = {
  name: 'create',
  run: async (run) => {
    let launched = false;
    run.creates = true;
    run.sandbox = await run.client.createSandbox({
      runtime: 'python',
      lifetimeMs: LIFETIME_MS,
      metadata: { smoke: run.id },
      waitMs: WAIT_MS,
      signal: run.signal,
      onStatus: ({ status }) => {
        launched ||= status === 'creating';
      },
    });
    return `${run.sandbox.id}, ${launched ? 'launched for this' : 'from the warm pool'}`;
  },
};
