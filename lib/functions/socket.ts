/** socket: the function behind the WebSocket API. */
import { Duration } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { SocketEnv } from '../../lambdas/socket/env.ts';
import { acknowledge } from '../acknowledge.ts';
import { ServiceFunction } from './service-function.ts';
import { invoke, postTo, queryState, readLog, readSegments, useItems } from './statements.ts';
import { KEY_MEMORY } from './timing.ts';
import {
  arnOf,
  connectionsEnv,
  gatewayArns,
  gatewayEnv,
  logEnv,
  relayEnv,
  segmentKeysFinding,
  stateEnv,
  type World,
} from './world.ts';

export function socket(scope: Construct, world: World): ServiceFunction {
  const socket = new ServiceFunction(scope, 'Socket', {
    config: world.config,
    name: 'socket',
    description: 'Clients of the WebSocket: who comes, what they ask, who goes',
    envSchema: SocketEnv,
    env: {
      ...stateEnv(world),
      ...logEnv(world),
      ...gatewayEnv(world),
      ...relayEnv(world),
      ...connectionsEnv(world),
      ...KEY_MEMORY,
    },
    grants: [
      ...useItems(world.state, 'DeleteItem', 'GetItem', 'PutItem', 'UpdateItem'),
      queryState(world.state, 'table', 'gsi1'),
      readLog(world.output),
      ...readSegments(world.segmentBucketArn),
      postTo(world.connectionsArn),
      invoke(...gatewayArns(world), arnOf(world, 'relay')),
    ],
    timeout: Duration.seconds(29),
  });
  acknowledge(socket.role, { ...segmentKeysFinding(world), ...world.connectionsFinding });
  return socket;
}
