/** `relay`: takes an execution's log over when its relay is gone or hands over. Invoked asynchronously. */
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import * as z from 'zod/mini';
import { lambdaAgentGateway } from '../../adapters/lambda/agent-gateway.ts';
import { lambdaRelayStarter } from '../../adapters/lambda/starters.ts';
import { s3SegmentStore } from '../../adapters/s3/segment-store.ts';
import { ExecutionId } from '../../contract/ids.ts';
import { takeOver } from '../../core/output/take-over.ts';
import { documentClient, executionStores, stateStores } from '../shared/clients.ts';
import { parseEnv } from '../shared/env.ts';
import { clock, ids } from '../shared/system.ts';
import { logInfo } from '../shared/telemetry.ts';
import { RelayEnv } from './env.ts';

const env = parseEnv(RelayEnv);
const documents = documentClient();
const lambda = new LambdaClient({});
const deps = {
  ...stateStores(documents, env.STATE_TABLE),
  ...executionStores(documents, { state: env.STATE_TABLE, output: env.OUTPUT_TABLE }),
  segments: s3SegmentStore(new S3Client({}), env.OUTPUT_BUCKET),
  gateway: lambdaAgentGateway(lambda, env.AGENT_GATEWAY_FUNCTION),
  relays: lambdaRelayStarter(lambda, env.RELAY_FUNCTION),
  clock,
  ids,
  leaseMs: env.LEASE_MS,
  relayLifeMs: env.RELAY_LIFE_MS,
};

const Request = z.object({ executionId: ExecutionId, epoch: z.int(), hop: z.int() });

export async function handler(event: unknown): Promise<void> {
  const request = Request.parse(event);
  const end = await takeOver(deps, request);
  logInfo('relay ended', { ...request, end });
}
