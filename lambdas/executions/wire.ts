/** What the `executions` function is made of. */
import { LambdaClient } from '@aws-sdk/client-lambda';
import type * as z from 'zod/mini';
import { CONNECTING } from '../shared/clients.ts';
import { createDeps } from '../shared/create-deps.ts';
import { relayDeps } from '../shared/relay-deps.ts';
import type { ExecutionsEnv } from './env.ts';

export function wire(env: z.infer<typeof ExecutionsEnv>) {
  const lambda = new LambdaClient(CONNECTING);
  return {
    ...relayDeps(env, lambda),
    ...createDeps(lambda, env),
    jsonWaitMs: env.JSON_WAIT_MS,
    longPollMs: env.LONG_POLL_MS,
    sseLifeMs: env.SSE_LIFE_MS,
  };
}

export type ExecutionsDeps = ReturnType<typeof wire>;
