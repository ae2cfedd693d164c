/** The functions that move files: `files` behind the API, `transfer` which copies the large ones. */
import { Duration } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { FilesEnv } from '../../lambdas/files/env.ts';
import { TransferEnv } from '../../lambdas/transfer/env.ts';
import { acknowledge } from '../acknowledge.ts';
import { ServiceFunction } from './service-function.ts';
import { invoke, presignTransfers, seeTransfers, sendFailures, useItems } from './statements.ts';
import { TRANSFER_LEASE, TRANSFER_WAIT } from './timing.ts';
import {
  arnOf,
  gatewayArns,
  gatewayEnv,
  httpEnv,
  stateEnv,
  transferEnv,
  transferFunctionEnv,
  transferKeysFinding,
  type World,
} from './world.ts';

export function files(scope: Construct, world: World): ServiceFunction {
  const files = new ServiceFunction(scope, 'Files', {
    config: world.config,
    name: 'files',
    description: 'Files of sandboxes, as bytes and by name',
    envSchema: FilesEnv,
    env: {
      ...stateEnv(world),
      ...httpEnv(world),
      ...gatewayEnv(world),
      ...transferEnv(world),
      ...transferFunctionEnv(world),
      ...TRANSFER_LEASE,
      ...TRANSFER_WAIT,
    },
    grants: [
      ...useItems(world.state, 'GetItem', 'PutItem', 'UpdateItem'),
      presignTransfers(world.transferBucketArn),
      seeTransfers(world.transferBucketArn),
      invoke(...gatewayArns(world), arnOf(world, 'transfer')),
    ],
    timeout: Duration.seconds(29),
  });
  acknowledge(files.role, transferKeysFinding(world));
  return files;
}

export function transfer(scope: Construct, world: World): ServiceFunction {
  const transfer = new ServiceFunction(scope, 'Transfer', {
    config: world.config,
    name: 'transfer',
    description: 'Copies one large file between its object and its sandbox',
    envSchema: TransferEnv,
    env: {
      ...stateEnv(world),
      ...gatewayEnv(world),
      ...transferEnv(world),
      ...TRANSFER_LEASE,
    },
    grants: [
      ...useItems(world.state, 'GetItem', 'UpdateItem'),
      presignTransfers(world.transferBucketArn),
      invoke(...gatewayArns(world)),
      sendFailures(world.failureArns.transfer),
    ],
    timeout: Duration.minutes(15),
  });
  // Whoever asks for the transfer again takes up what a lost copy left.
  transfer.limitAsync({
    retries: 0,
    maxAge: Duration.seconds(60),
    failuresArn: world.failureArns.transfer,
  });
  acknowledge(transfer.role, transferKeysFinding(world));
  return transfer;
}
