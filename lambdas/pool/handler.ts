/** `pool`: refills the pool when asked and each minute; each minute also looks for lapsed leases. */
import { ECSClient } from '@aws-sdk/client-ecs';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { ecsFleet } from '../../adapters/ecs/fleet.ts';
import { lambdaRelayStarter } from '../../adapters/lambda/starters.ts';
import { repairRelays } from '../../core/output/repair-relays.ts';
import { DEFAULT_POOL } from '../../core/pool/pool-task.ts';
import { refillPool } from '../../core/pool/refill-pool.ts';
import { endOverdue } from '../../core/sandbox/end-overdue.ts';
import {
  BOUNDED,
  CONNECTING,
  documentClient,
  executionStores,
  stateStores,
} from '../shared/clients.ts';
import { parseEnv } from '../shared/env.ts';
import { clock, ids } from '../shared/system.ts';
import { logError, logInfo } from '../shared/telemetry.ts';
import { PoolEnv } from './env.ts';

const env = parseEnv(PoolEnv);
const documents = documentClient();
const deps = {
  ...stateStores(documents, env.STATE_TABLE),
  ...executionStores(documents, { state: env.STATE_TABLE, output: env.OUTPUT_TABLE }),
  fleet: ecsFleet(new ECSClient(BOUNDED), env.CLUSTER, {
    taskDefinition: env.TASK_DEFINITION,
    subnets: env.SUBNETS,
    securityGroups: env.SECURITY_GROUPS,
  }),
  relays: lambdaRelayStarter(new LambdaClient(CONNECTING), env.RELAY_FUNCTION),
  clock,
  ids,
};

/** The minute's event comes from EventBridge; a refill that was asked for has `refill: true`. */
const isMinute = (event: unknown): boolean =>
  typeof event === 'object' && event !== null && 'source' in event && event.source === 'aws.events';

export async function handler(event: unknown): Promise<void> {
  const refilled = await refillPool(deps, DEFAULT_POOL, env.POOL_TARGET);
  for (const reason of refilled.failed) logError('launch failed', new Error(reason));
  if (refilled.launched > 0) logInfo('pool refilled', { launched: refilled.launched });
  if (isMinute(event)) {
    const ended = await endOverdue({ ...deps, refill: { request: async () => {} } });
    if (ended > 0) logInfo('overdue sandboxes ended', { ended });
    const asked = await repairRelays(deps);
    if (asked > 0) logInfo('relays asked for', { asked });
  }
}
