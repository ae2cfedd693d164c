/** The function behind the operations on files. */
import { Duration } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { FilesEnv } from '../../lambdas/files/env.ts';
import { ServiceFunction } from './service-function.ts';
import { invoke, readState } from './statements.ts';
import { gatewayArns, gatewayEnv, httpEnv, stateEnv, type World } from './world.ts';

export function files(scope: Construct, world: World): ServiceFunction {
  return new ServiceFunction(scope, 'Files', {
    config: world.config,
    name: 'files',
    description: 'Files of sandboxes, as bytes and by name',
    envSchema: FilesEnv,
    env: { ...stateEnv(world), ...httpEnv(world), ...gatewayEnv(world) },
    grants: [...readState(world.state), invoke(...gatewayArns(world))],
    timeout: Duration.seconds(29),
  });
}
