/** What the `pool` function is made of. */
import { ECSClient } from '@aws-sdk/client-ecs';
import { LambdaClient } from '@aws-sdk/client-lambda';
import type * as z from 'zod/mini';
import { ecsFleet } from '../../adapters/ecs/fleet.ts';
import { lambdaRelayStarter } from '../../adapters/lambda/starters.ts';
import type { SandboxId } from '../../contract/ids.ts';
import {
  BOUNDED,
  CONNECTING,
  documentClient,
  executionStores,
  stateStores,
} from '../shared/clients.ts';
import { agentGatewayOf, eventBusOf, launchSettingsOf, lifecycleOf } from '../shared/parts.ts';
import { clock, ids } from '../shared/system.ts';
import { logInfo } from '../shared/telemetry.ts';
import type { PoolEnv } from './env.ts';

export function wire(env: z.infer<typeof PoolEnv>) {
  const documents = documentClient();
  const lambda = new LambdaClient(CONNECTING);
  return {
    ...stateStores(documents, env.STATE_TABLE),
    ...executionStores(documents, { state: env.STATE_TABLE, output: env.OUTPUT_TABLE }),
    fleet: ecsFleet(new ECSClient(BOUNDED), env.CLUSTER, launchSettingsOf(env)),
    gateway: agentGatewayOf(lambda, env),
    relays: lambdaRelayStarter(lambda, env.RELAY_FUNCTION),
    lifecycle: lifecycleOf(env),
    bus: eventBusOf(env),
    onAgentLog: (sandboxId: SandboxId, log: string) => logInfo('agent log', { sandboxId, log }),
    version: env.TASK_DEFINITION,
    pauseSettlesMs: env.PAUSE_SETTLES_MS,
    clock,
    ids,
  };
}
