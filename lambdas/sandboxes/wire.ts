/** What the `sandboxes` function is made of. */
import { ECSClient } from '@aws-sdk/client-ecs';
import { LambdaClient } from '@aws-sdk/client-lambda';
import type * as z from 'zod/mini';
import { ecsStopper } from '../../adapters/ecs/fleet.ts';
import { lambdaPoolRefill, lambdaRelayStarter } from '../../adapters/lambda/starters.ts';
import { Allowances } from '../../core/account/allowances.ts';
import {
  BOUNDED,
  CONNECTING,
  documentClient,
  executionStores,
  stateStores,
} from '../shared/clients.ts';
import { agentGatewayOf, lifecycleOf } from '../shared/parts.ts';
import { clock, digest, ids } from '../shared/system.ts';
import { logError } from '../shared/telemetry.ts';
import type { SandboxesEnv } from './env.ts';

export function wire(env: z.infer<typeof SandboxesEnv>) {
  const documents = documentClient();
  const lambda = new LambdaClient(CONNECTING);
  const stores = stateStores(documents, env.STATE_TABLE);
  return {
    ...stores,
    allowances: new Allowances({ clock, windows: stores.windows }),
    ...executionStores(documents, { state: env.STATE_TABLE, output: env.OUTPUT_TABLE }),
    gateway: agentGatewayOf(lambda, env),
    lifecycle: lifecycleOf(env),
    relays: lambdaRelayStarter(lambda, env.RELAY_FUNCTION),
    refill: lambdaPoolRefill(lambda, env.POOL_FUNCTION, (error) =>
      logError('refill not asked for', error),
    ),
    fleet: ecsStopper(new ECSClient(BOUNDED), env.CLUSTER),
    clock,
    ids,
    digest,
    onError: logError,
    internet: env.INTERNET,
    maxLiveSandboxes: env.MAX_LIVE_SANDBOXES_OF_ALL,
    launchEstimateMs: env.LAUNCH_ESTIMATE_MS,
    defaultLifetimeMs: env.DEFAULT_LIFETIME_MS,
    maxLifetimeMs: env.MAX_LIFETIME_MS,
  };
}

export type SandboxesDeps = ReturnType<typeof wire>;
