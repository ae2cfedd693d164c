/** What the `executions` function is made of. */
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import type * as z from 'zod/mini';
import { lambdaAgentGateway } from '../../adapters/lambda/agent-gateway.ts';
import { lambdaRelayStarter } from '../../adapters/lambda/starters.ts';
import { s3SegmentStore } from '../../adapters/s3/segment-store.ts';
import { documentClient, executionStores, stateStores } from '../shared/clients.ts';
import { clock, ids } from '../shared/system.ts';
import type { ExecutionsEnv } from './env.ts';

export function wire(env: z.infer<typeof ExecutionsEnv>) {
  const documents = documentClient();
  const lambda = new LambdaClient({});
  return {
    ...stateStores(documents, env.STATE_TABLE),
    ...executionStores(documents, { state: env.STATE_TABLE, output: env.OUTPUT_TABLE }),
    segments: s3SegmentStore(new S3Client({}), env.OUTPUT_BUCKET),
    gateway: lambdaAgentGateway(lambda, env.AGENT_GATEWAY_FUNCTION),
    relays: lambdaRelayStarter(lambda, env.RELAY_FUNCTION),
    clock,
    ids,
    leaseMs: env.LEASE_MS,
    relayLifeMs: env.RELAY_LIFE_MS,
    jsonWaitMs: env.JSON_WAIT_MS,
    longPollMs: env.LONG_POLL_MS,
    sseLifeMs: env.SSE_LIFE_MS,
  };
}

export type ExecutionsDeps = ReturnType<typeof wire>;
