/** What creating and ending sandboxes is made of, beside stores and agents: the same for each function that does it. */
import { ECSClient } from '@aws-sdk/client-ecs';
import type { LambdaClient } from '@aws-sdk/client-lambda';
import * as z from 'zod/mini';
import { ecsStopper } from '../../adapters/ecs/fleet.ts';
import { lambdaPoolRefill } from '../../adapters/lambda/starters.ts';
import { BOUNDED } from './clients.ts';
import { ClusterEnv, CreateEnv, LifecycleEnv, PoolFunctionEnv } from './env.ts';
import { lifecycleOf } from './parts.ts';
import { digest } from './system.ts';
import { logError } from './telemetry.ts';

const Env = z.object({ ...PoolFunctionEnv, ...ClusterEnv, ...LifecycleEnv, ...CreateEnv });

export const createDeps = (lambda: LambdaClient, env: z.infer<typeof Env>) => ({
  lifecycle: lifecycleOf(env),
  refill: lambdaPoolRefill(lambda, env.POOL_FUNCTION, (error) =>
    logError('refill not asked for', error),
  ),
  fleet: ecsStopper(new ECSClient(BOUNDED), env.CLUSTER),
  digest,
  onError: logError,
  internet: env.INTERNET,
  maxLiveSandboxes: env.MAX_LIVE_SANDBOXES_OF_ALL,
  launchEstimateMs: env.LAUNCH_ESTIMATE_MS,
  defaultLifetimeMs: env.DEFAULT_LIFETIME_MS,
  maxLifetimeMs: env.MAX_LIFETIME_MS,
});
