/** What the `socket` function is made of. */
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import type * as z from 'zod/mini';
import { lambdaExecutionStarter, lambdaRelayStarter } from '../../adapters/lambda/starters.ts';
import { s3SegmentStore } from '../../adapters/s3/segment-store.ts';
import { ExecutionPlaces } from '../../core/socket/places.ts';
import { standingKeys } from '../../core/socket/standing.ts';
import {
  CONNECTING,
  connectionsOf,
  documentClient,
  executionStores,
  SEGMENTS,
  socketStores,
  stateStores,
} from '../shared/clients.ts';
import { agentGatewayOf } from '../shared/parts.ts';
import { clock, ids } from '../shared/system.ts';
import type { SocketEnv } from './env.ts';

export function wire(env: z.infer<typeof SocketEnv>) {
  const documents = documentClient();
  const lambda = new LambdaClient(CONNECTING);
  const stores = executionStores(documents, { state: env.STATE_TABLE, output: env.OUTPUT_TABLE });
  const state = {
    ...stateStores(documents, env.STATE_TABLE),
    ...socketStores(documents, env.STATE_TABLE),
  };
  return {
    ...state,
    ...stores,
    keys: standingKeys({ ...state, clock }, env.KEY_REMEMBERED_MS),
    segments: s3SegmentStore(new S3Client(SEGMENTS), env.OUTPUT_BUCKET),
    gateway: agentGatewayOf(lambda, env),
    relays: lambdaRelayStarter(lambda, env.RELAY_FUNCTION),
    starter: lambdaExecutionStarter(lambda, env.RELAY_FUNCTION),
    connections: connectionsOf(env.CONNECTIONS_URL),
    places: new ExecutionPlaces(stores.executions),
    clock,
    ids,
  };
}
