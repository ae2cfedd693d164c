/** What the `files` function is made of. */
import { LambdaClient } from '@aws-sdk/client-lambda';
import type * as z from 'zod/mini';
import { lambdaAgentGateway } from '../../adapters/lambda/agent-gateway.ts';
import { CONNECTING, documentClient, stateStores } from '../shared/clients.ts';
import { clock } from '../shared/system.ts';
import type { FilesEnv } from './env.ts';

export function wire(env: z.infer<typeof FilesEnv>) {
  const { sandboxes } = stateStores(documentClient(), env.STATE_TABLE);
  const gateway = lambdaAgentGateway(new LambdaClient(CONNECTING), env.AGENT_GATEWAY_FUNCTION);
  return { sandboxes, gateway, clock };
}
