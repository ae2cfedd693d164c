/** `transfer`: copies one large file between its object and its sandbox. Invoked asynchronously. */
import { LambdaClient } from '@aws-sdk/client-lambda';
import * as z from 'zod/mini';
import { s3TransferObjects } from '../../adapters/s3/transfer-objects.ts';
import { DownloadId, UploadId } from '../../contract/ids.ts';
import { runTransfer } from '../../core/files/run-transfer.ts';
import { CONNECTING, documentClient, presigningClient, stateStores } from '../shared/clients.ts';
import { parseEnv } from '../shared/env.ts';
import { agentGatewayOf } from '../shared/parts.ts';
import { clock } from '../shared/system.ts';
import { logInfo } from '../shared/telemetry.ts';
import { TransferEnv } from './env.ts';

const env = parseEnv(TransferEnv);
const deps = {
  ...stateStores(documentClient(), env.STATE_TABLE),
  objects: s3TransferObjects(presigningClient(), env.TRANSFER_BUCKET),
  gateway: agentGatewayOf(new LambdaClient(CONNECTING), env),
  clock,
  transferLeaseMs: env.TRANSFER_LEASE_MS,
};

const Request = z.object({ transferId: z.union([UploadId, DownloadId]) });

export async function handler(event: unknown): Promise<void> {
  const { transferId } = Request.parse(event);
  const end = await runTransfer(deps, transferId);
  logInfo('transfer ended', { transferId, end });
}
