/** `lifecycle`: the steps of a sandbox's life, as the state machine asks for them. */
import { ECSClient } from '@aws-sdk/client-ecs';
import { LambdaClient } from '@aws-sdk/client-lambda';
import * as z from 'zod/mini';
import { ecsFleet } from '../../adapters/ecs/fleet.ts';
import { lambdaRelayStarter } from '../../adapters/lambda/starters.ts';
import { SandboxId } from '../../contract/ids.ts';
import { EndReason } from '../../contract/rest/sandboxes.ts';
import { endSandbox } from '../../core/sandbox/end-sandbox.ts';
import { holdSandbox, launchSandbox, renewSandbox } from '../../core/sandbox/lifecycle-steps.ts';
import {
  BOUNDED,
  CONNECTING,
  documentClient,
  executionStores,
  stateStores,
} from '../shared/clients.ts';
import { parseEnv } from '../shared/env.ts';
import { agentGatewayOf, eventBusOf, launchSettingsOf, lifecycleOf } from '../shared/parts.ts';
import { clock, digest, ids } from '../shared/system.ts';
import { logError, logInfo } from '../shared/telemetry.ts';
import { LifecycleFunctionEnv } from './env.ts';

const env = parseEnv(LifecycleFunctionEnv);
const lambda = new LambdaClient(CONNECTING);
const documents = documentClient();
const deps = {
  ...stateStores(documents, env.STATE_TABLE),
  ...executionStores(documents, { state: env.STATE_TABLE, output: env.OUTPUT_TABLE }),
  relays: lambdaRelayStarter(lambda, env.RELAY_FUNCTION),
  fleet: ecsFleet(new ECSClient(BOUNDED), env.CLUSTER, launchSettingsOf(env)),
  gateway: agentGatewayOf(lambda, env),
  lifecycle: lifecycleOf(env),
  bus: eventBusOf(env),
  version: env.TASK_DEFINITION,
  // Not the pool's `launch failed`, which is counted beside the lives that end for it.
  onLaunchFailed: (error: unknown) => logError('launch of a sandbox failed', error),
  onAgentLog: (sandboxId: SandboxId, log: string) => logInfo('agent log', { sandboxId, log }),
  clock,
  ids,
  digest,
};

const head = { sandboxId: SandboxId };
const Request = z.discriminatedUnion('step', [
  z.strictObject({ ...head, step: z.literal('launch'), token: z.string() }),
  z.strictObject({
    ...head,
    step: z.literal('hold'),
    token: z.string(),
    start: z.enum(['claimed', 'launch', 'repair']),
    // When the wait began and how long it is; a life that began before they were said does not say them.
    enteredAt: z.optional(z.iso.datetime()),
    seconds: z.optional(z.number()),
  }),
  z.strictObject({ ...head, step: z.literal('renew'), renewals: z.int() }),
  z.strictObject({ ...head, step: z.literal('end'), reason: EndReason }),
]);

export async function handler(event: unknown): Promise<unknown> {
  const request = Request.parse(event);
  const { sandboxId } = request;
  switch (request.step) {
    case 'launch':
      return launchSandbox(deps, request);
    case 'hold':
      // From a pool the function that claimed prepares it; else nobody does but this step.
      return holdSandbox(deps, { ...request, prepare: request.start !== 'claimed' });
    case 'renew':
      return renewSandbox(deps, request);
    case 'end': {
      const ended = await endSandbox(deps, { id: sandboxId, reason: request.reason });
      logInfo('sandbox ended', {
        sandboxId,
        status: ended?.status,
        ...(ended && 'endReason' in ended ? { reason: ended.endReason } : {}),
      });
      return {};
    }
  }
}
