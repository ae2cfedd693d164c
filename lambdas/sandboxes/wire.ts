/** What the `sandboxes` function is made of. */
import { LambdaClient } from '@aws-sdk/client-lambda';
import type * as z from 'zod/mini';
import { lambdaRelayStarter } from '../../adapters/lambda/starters.ts';
import { Allowances } from '../../core/account/allowances.ts';
import { CONNECTING, documentClient, executionStores, stateStores } from '../shared/clients.ts';
import { createDeps } from '../shared/create-deps.ts';
import { agentGatewayOf } from '../shared/parts.ts';
import { clock, ids } from '../shared/system.ts';
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
    relays: lambdaRelayStarter(lambda, env.RELAY_FUNCTION),
    clock,
    ids,
    ...createDeps(lambda, env),
  };
}

export type SandboxesDeps = ReturnType<typeof wire>;
