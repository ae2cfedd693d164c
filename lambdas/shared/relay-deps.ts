/** What relaying an execution's output is made of: the same for whoever started it and for who takes over. */
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import * as z from 'zod/mini';
import { lambdaRelayStarter } from '../../adapters/lambda/starters.ts';
import { s3SegmentStore } from '../../adapters/s3/segment-store.ts';
import { Allowances } from '../../core/account/allowances.ts';
import {
  CONNECTING,
  connectionsOf,
  documentClient,
  executionStores,
  SEGMENTS,
  socketStores,
  stateStores,
} from './clients.ts';
import { RelayingEnv } from './env.ts';
import { agentGatewayOf } from './parts.ts';
import { clock, ids } from './system.ts';

const Env = z.object(RelayingEnv);

export function relayDeps(env: z.infer<typeof Env>, lambda = new LambdaClient(CONNECTING)) {
  const documents = documentClient();
  const stores = stateStores(documents, env.STATE_TABLE);
  return {
    ...stores,
    allowances: new Allowances({ clock, windows: stores.windows }),
    ...executionStores(documents, { state: env.STATE_TABLE, output: env.OUTPUT_TABLE }),
    ...socketStores(documents, env.STATE_TABLE),
    connections: connectionsOf(env.CONNECTIONS_URL),
    segments: s3SegmentStore(new S3Client(SEGMENTS), env.OUTPUT_BUCKET),
    gateway: agentGatewayOf(lambda, env),
    relays: lambdaRelayStarter(lambda, env.RELAY_FUNCTION),
    clock,
    ids,
    leaseMs: env.LEASE_MS,
    relayLifeMs: env.RELAY_LIFE_MS,
  };
}
