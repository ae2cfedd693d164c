/** The functions behind the REST API: authorizer, account, sandboxes, executions. */
import { Duration } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { AccountEnv } from '../../lambdas/account/env.ts';
import { AuthorizerEnv } from '../../lambdas/authorizer/env.ts';
import { ExecutionsEnv } from '../../lambdas/executions/env.ts';
import { SandboxesEnv } from '../../lambdas/sandboxes/env.ts';
import { acknowledge } from '../acknowledge.ts';
import { describeTasks, stopTasks } from './fleet-grants.ts';
import { ServiceFunction } from './service-function.ts';
import {
  invoke,
  postTo,
  queryState,
  readItems,
  readLog,
  startLives,
  takeTickets,
  tellSteps,
  useAccounts,
  useItems,
  useLog,
  useSegments,
} from './statements.ts';
import { KEY_MEMORY, LEASE, READERS, RELAY_LIFE } from './timing.ts';
import {
  arnOf,
  connectionsEnv,
  createEnv,
  gatewayArns,
  gatewayEnv,
  httpEnv,
  lifecycleArn,
  logEnv,
  relayEnv,
  segmentKeysFinding,
  stateEnv,
  taskNamesFinding,
  type World,
} from './world.ts';

export function authorizer(scope: Construct, world: World): ServiceFunction {
  return new ServiceFunction(scope, 'Authorizer', {
    config: world.config,
    name: 'authorizer',
    description: 'Finds the tenant and role behind an API key',
    envSchema: AuthorizerEnv,
    env: {
      ...stateEnv(world),
      MAX_LIVE_SANDBOXES: String(world.config.maxLiveSandboxes),
      REQUESTS_PER_SECOND: String(world.config.requestsPerSecond),
      ...KEY_MEMORY,
    },
    grants: [readItems(world.state), takeTickets(world.state)],
    timeout: Duration.seconds(10),
    reservedConcurrency: 100,
  });
}

export function account(scope: Construct, world: World): ServiceFunction {
  return new ServiceFunction(scope, 'Account', {
    config: world.config,
    name: 'account',
    description: 'Tenants and API keys',
    envSchema: AccountEnv,
    env: { ...stateEnv(world), ...httpEnv(world), WEBSOCKET_URL: world.websocketUrl },
    grants: [
      // Deletes are of connections: a revoked key's.
      useAccounts(world.state, 'DeleteItem', 'GetItem', 'PutItem', 'UpdateItem'),
      queryState(world.state, 'table', 'gsi1'),
    ],
    timeout: Duration.seconds(29),
  });
}

export function sandboxes(scope: Construct, world: World): ServiceFunction {
  const { config, fleet } = world;
  const sandboxes = new ServiceFunction(scope, 'Sandboxes', {
    config,
    name: 'sandboxes',
    description: 'Every operation whose answer is not streamed',
    envSchema: SandboxesEnv,
    env: {
      ...stateEnv(world),
      OUTPUT_TABLE: world.output.tableName,
      ...httpEnv(world),
      ...gatewayEnv(world),
      ...relayEnv(world),
      ...createEnv(world),
    },
    grants: [
      ...useItems(world.state, 'DeleteItem', 'GetItem', 'PutItem', 'UpdateItem'),
      queryState(world.state, 'table', 'gsi1'),
      readLog(world.output),
      invoke(...gatewayArns(world), arnOf(world, 'pool'), arnOf(world, 'relay')),
      startLives(lifecycleArn(world)),
      tellSteps(lifecycleArn(world)),
      stopTasks(fleet),
      describeTasks(fleet),
    ],
    timeout: Duration.seconds(29),
  });
  acknowledge(sandboxes.role, taskNamesFinding);
  return sandboxes;
}

export function executions(scope: Construct, world: World): ServiceFunction {
  const executions = new ServiceFunction(scope, 'Executions', {
    config: world.config,
    name: 'executions',
    description: 'Runs code and streams its events',
    envSchema: ExecutionsEnv,
    env: {
      ...stateEnv(world),
      ...logEnv(world),
      ...httpEnv(world),
      ...gatewayEnv(world),
      ...relayEnv(world),
      ...connectionsEnv(world),
      ...createEnv(world),
      ...LEASE,
      ...RELAY_LIFE,
      ...READERS,
    },
    grants: [
      ...useItems(world.state, 'DeleteItem', 'GetItem', 'PutItem', 'UpdateItem'),
      queryState(world.state, 'table', 'gsi1'),
      useLog(world.output),
      ...useSegments(world.segmentBucketArn),
      postTo(world.connectionsArn),
      invoke(...gatewayArns(world), arnOf(world, 'relay'), arnOf(world, 'pool')),
      // runOnce makes a sandbox, and ends it.
      startLives(lifecycleArn(world)),
      tellSteps(lifecycleArn(world)),
      stopTasks(world.fleet),
    ],
    timeout: Duration.minutes(15),
  });
  acknowledge(executions.role, {
    ...segmentKeysFinding(world),
    ...world.connectionsFinding,
    ...taskNamesFinding,
  });
  return executions;
}
