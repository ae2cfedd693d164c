/** What the `files` function is made of. */
import { LambdaClient } from '@aws-sdk/client-lambda';
import type * as z from 'zod/mini';
import { CONNECTING, documentClient, stateStores } from '../shared/clients.ts';
import { agentGatewayOf } from '../shared/parts.ts';
import { clock } from '../shared/system.ts';
import type { FilesEnv } from './env.ts';

export function wire(env: z.infer<typeof FilesEnv>) {
  const { sandboxes } = stateStores(documentClient(), env.STATE_TABLE);
  const gateway = agentGatewayOf(new LambdaClient(CONNECTING), env);
  return { sandboxes, gateway, clock };
}
