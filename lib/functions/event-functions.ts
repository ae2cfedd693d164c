/**
 * The functions that events start: relay (called by functions), pool and task-events (by rules),
 * lifecycle (by the state machine).
 */
import { Duration } from 'aws-cdk-lib';
import type { CfnFunction } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { LifecycleFunctionEnv } from '../../lambdas/lifecycle/env.ts';
import { PoolEnv } from '../../lambdas/pool/env.ts';
import { RelayEnv } from '../../lambdas/relay/env.ts';
import { TaskEventsEnv } from '../../lambdas/task-events/env.ts';
import { acknowledge } from '../acknowledge.ts';
import { describeTasks, launchTasks, listTasks, stopTasks } from './fleet-grants.ts';
import { ServiceFunction } from './service-function.ts';
import {
  failSteps,
  invoke,
  postTo,
  putEvents,
  queryState,
  sendFailures,
  startLives,
  tellSteps,
  useItems,
  useLog,
  useSegments,
} from './statements.ts';
import { LEASE, PAUSE, RELAY_LIFE } from './timing.ts';
import {
  arnOf,
  connectionsEnv,
  eventSourceEnv,
  gatewayArns,
  gatewayEnv,
  launchEnv,
  lifecycleArn,
  lifecycleEnv,
  logEnv,
  poolEnv,
  relayEnv,
  segmentKeysFinding,
  stateEnv,
  taskNamesFinding,
  type World,
} from './world.ts';

const SOON = Duration.seconds(60);

export function relay(scope: Construct, world: World): ServiceFunction {
  const relay = new ServiceFunction(scope, 'Relay', {
    config: world.config,
    name: 'relay',
    description: 'Goes on writing the log of an execution whose first writer has ended',
    envSchema: RelayEnv,
    env: {
      ...stateEnv(world),
      ...logEnv(world),
      ...gatewayEnv(world),
      ...relayEnv(world),
      ...connectionsEnv(world),
      ...LEASE,
      ...RELAY_LIFE,
    },
    grants: [
      ...useItems(world.state, 'DeleteItem', 'GetItem', 'PutItem', 'UpdateItem'),
      queryState(world.state, 'table', 'gsi1'),
      useLog(world.output),
      ...useSegments(world.segmentBucketArn),
      postTo(world.connectionsArn),
      invoke(...gatewayArns(world), arnOf(world, 'relay')),
      sendFailures(world.failureArns.relay),
    ],
    timeout: Duration.minutes(15),
  });
  // It hands over to itself; Lambda would end the chain after about sixteen. Our own counter ends it.
  (relay.function.node.defaultChild as CfnFunction).recursiveLoop = 'Allow';
  // A relay that comes late is not wanted: whoever finds the lease lapsed asks for another.
  relay.limitAsync({ retries: 0, maxAge: SOON, failuresArn: world.failureArns.relay });
  acknowledge(relay.role, { ...segmentKeysFinding(world), ...world.connectionsFinding });
  return relay;
}

export function pool(scope: Construct, world: World): ServiceFunction {
  const { config, fleet } = world;
  const pool = new ServiceFunction(scope, 'Pool', {
    config,
    name: 'pool',
    description: 'Keeps the warm pool at its target and repairs what events missed',
    envSchema: PoolEnv,
    env: {
      ...stateEnv(world),
      ...relayEnv(world),
      OUTPUT_TABLE: world.output.tableName,
      CLUSTER: world.clusterName,
      ...launchEnv(world),
      ...gatewayEnv(world),
      ...lifecycleEnv(world),
      ...eventSourceEnv(world),
      POOL_TARGET: String(config.poolTarget),
      OPEN_POOL_TARGET: String(config.openPoolTarget),
      ...PAUSE,
    },
    grants: [
      ...useItems(world.state, 'DeleteItem', 'GetItem', 'PutItem', 'UpdateItem'),
      queryState(world.state, 'table', 'gsi1', 'gsi2'),
      ...launchTasks(fleet),
      stopTasks(fleet),
      listTasks(fleet),
      describeTasks(fleet),
      invoke(...gatewayArns(world), arnOf(world, 'relay')),
      startLives(lifecycleArn(world)),
      tellSteps(lifecycleArn(world)),
      putEvents(world.eventBusArn),
      sendFailures(world.failureArns.pool),
    ],
    timeout: Duration.seconds(60),
    reservedConcurrency: 20,
  });
  // The next minute's run does what a lost one did not.
  pool.limitAsync({ retries: 0, maxAge: SOON, failuresArn: world.failureArns.pool });
  acknowledge(pool.role, {
    ...taskNamesFinding,
    'AwsSolutions-IAM5[Resource::*]':
      'ecs:ListTasks takes no resource; its condition names the cluster.',
  });
  return pool;
}

export function taskEvents(scope: Construct, world: World): ServiceFunction {
  const taskEvents = new ServiceFunction(scope, 'TaskEvents', {
    config: world.config,
    name: 'task-events',
    description: 'Hears what becomes of tasks: ready, stopped',
    envSchema: TaskEventsEnv,
    env: {
      ...stateEnv(world),
      ...gatewayEnv(world),
      ...poolEnv(world),
      ...lifecycleEnv(world),
      CLUSTER: world.clusterName,
    },
    grants: [
      ...useItems(world.state, 'DeleteItem', 'GetItem', 'UpdateItem'),
      invoke(...gatewayArns(world), arnOf(world, 'pool')),
      tellSteps(lifecycleArn(world)),
      stopTasks(world.fleet),
      sendFailures(world.failureArns['task-events']),
    ],
    timeout: Duration.seconds(60),
    reservedConcurrency: 20,
  });
  // An end that is not heard leaves a sandbox that looks alive: worth two more tries, not six hours.
  taskEvents.limitAsync({
    retries: 2,
    maxAge: Duration.minutes(5),
    failuresArn: world.failureArns['task-events'],
  });
  acknowledge(taskEvents.role, taskNamesFinding);
  return taskEvents;
}

export function lifecycle(scope: Construct, world: World): ServiceFunction {
  const { fleet } = world;
  const lifecycle = new ServiceFunction(scope, 'LifecycleSteps', {
    config: world.config,
    name: 'lifecycle',
    description: "The steps of a sandbox's life",
    envSchema: LifecycleFunctionEnv,
    env: {
      ...stateEnv(world),
      ...relayEnv(world),
      OUTPUT_TABLE: world.output.tableName,
      ...gatewayEnv(world),
      ...launchEnv(world),
      ...lifecycleEnv(world),
      ...eventSourceEnv(world),
      CLUSTER: world.clusterName,
    },
    grants: [
      ...useItems(world.state, 'DeleteItem', 'GetItem', 'PutItem', 'UpdateItem'),
      // The processes of a sandbox that ends.
      queryState(world.state, 'gsi1'),
      ...launchTasks(fleet),
      stopTasks(fleet),
      invoke(...gatewayArns(world), arnOf(world, 'relay')),
      tellSteps(lifecycleArn(world)),
      failSteps(lifecycleArn(world)),
      putEvents(world.eventBusArn),
    ],
    timeout: Duration.seconds(60),
    reservedConcurrency: 50,
  });
  acknowledge(lifecycle.role, taskNamesFinding);
  return lifecycle;
}
