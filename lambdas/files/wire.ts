/** What the `files` function is made of. */
import { LambdaClient } from '@aws-sdk/client-lambda';
import type * as z from 'zod/mini';
import { lambdaTransferStarter } from '../../adapters/lambda/starters.ts';
import { s3TransferObjects } from '../../adapters/s3/transfer-objects.ts';
import { CONNECTING, documentClient, presigningClient, stateStores } from '../shared/clients.ts';
import { agentGatewayOf } from '../shared/parts.ts';
import { clock, ids } from '../shared/system.ts';
import type { FilesEnv } from './env.ts';

export function wire(env: z.infer<typeof FilesEnv>) {
  const { sandboxes, transfers, idempotency } = stateStores(documentClient(), env.STATE_TABLE);
  const lambda = new LambdaClient(CONNECTING);
  return {
    sandboxes,
    transfers,
    idempotency,
    objects: s3TransferObjects(presigningClient(), env.TRANSFER_BUCKET),
    gateway: agentGatewayOf(lambda, env),
    starter: lambdaTransferStarter(lambda, env.TRANSFER_FUNCTION),
    clock,
    ids,
    transferWaitMs: env.TRANSFER_WAIT_MS,
    transferLeaseMs: env.TRANSFER_LEASE_MS,
  };
}
