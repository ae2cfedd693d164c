/**
 * The service: network, task definition, functions, API, rules. Puts the parts together and says
 * where the deployment answers; what a part is stands in its own file.
 */
/* oxlint-disable no-new -- a construct adds itself to its scope */

import { join } from 'node:path';
import { ArnFormat, CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import type { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import { ServiceApi, STAGE } from './api/rest-api.ts';
import { SocketApi } from './api/websocket-api.ts';
import { asInterface } from './as-interface.ts';
import type { DataStack } from './data-stack.ts';
import type { DeployConfig } from './deploy-config.ts';
import { admitCallers, agentGateway } from './functions/agent-gateway.ts';
import { account, authorizer, executions, sandboxes } from './functions/api-functions.ts';
import { lifecycle, pool, relay, taskEvents } from './functions/event-functions.ts';
import { FailureQueues } from './functions/failure-queues.ts';
import { files, transfer } from './functions/files.ts';
import { socket } from './functions/socket.ts';
import type { World } from './functions/world.ts';
import { LifecycleMachine } from './lifecycle/state-machine.ts';
import { ClosedNetwork } from './network/closed-network.ts';
import { OpenNetwork } from './network/open-network.ts';
import { Operations } from './operations/operations.ts';
import { addRules } from './rules.ts';
import { SandboxTask } from './sandbox/task-definition.ts';

export interface ServiceStackProps extends StackProps {
  readonly config: DeployConfig;
  readonly data: DataStack;
}

export class ServiceStack extends Stack {
  constructor(scope: Construct, id: string, props: ServiceStackProps) {
    super(scope, id, props);
    const { config } = props;
    const queues = new FailureQueues(this, 'Failures');
    const socketApi = new SocketApi(this, 'WebSocket', config);
    const world = this.#world(props, queues, socketApi);
    const accounts = account(this, world);
    // Those that dial agents.
    const functions = {
      sandboxes: sandboxes(this, world),
      executions: executions(this, world),
      files: files(this, world),
      transfer: transfer(this, world),
      relay: relay(this, world),
      socket: socket(this, world),
      pool: pool(this, world),
      taskEvents: taskEvents(this, world),
      lifecycle: lifecycle(this, world),
    };
    new LifecycleMachine(this, 'Lifecycle', world);
    const gateways = [world.network, world.openNetwork].flatMap((network) =>
      network ? [agentGateway(this, world, network)] : [],
    );
    for (const gateway of gateways) admitCallers(gateway, Object.values(functions));
    addRules(this, {
      clusterArn: world.fleet.clusterArn,
      taskEvents: functions.taskEvents.function,
      pool: functions.pool.function,
      failures: queues.ofRules,
    });
    const keys = authorizer(this, world).function;
    socketApi.addRoutes({ authorizer: keys, socket: functions.socket.function });
    const { restApi } = new ServiceApi(this, 'Rest', {
      config,
      authorizer: keys,
      functions: {
        account: accounts.function,
        sandboxes: functions.sandboxes.function,
        executions: functions.executions.function,
        files: functions.files.function,
      },
    });
    new Operations(this, 'Operations', {
      stack: this,
      world,
      queues,
      functions,
      gateways,
      rest: { apiName: config.stackName, stage: STAGE },
      socket: socketApi,
    });
    this.#say({
      ApiUrl: `https://${restApi.restApiId}.execute-api.${this.region}.${this.urlSuffix}/${STAGE}/v1`,
      WebsocketUrl: socketApi.url,
      AccountFunctionName: accounts.function.functionName,
      Region: this.region,
    });
  }

  #world({ config, data }: ServiceStackProps, queues: FailureQueues, socketApi: SocketApi): World {
    const task = new SandboxTask(this, 'Sandbox', {
      config,
      imageDirectory: join(config.dist, 'image', config.architecture),
    });
    const transfers = {
      bucketArn: data.transferBucketArn,
      host: data.transfers.bucketRegionalDomainName,
    };
    const network = new ClosedNetwork(this, 'Closed', {
      config,
      transfers,
      pull: {
        executionRoleArn: task.executionRole.roleArn,
        repositoryArn: task.image.repository.repositoryArn,
      },
    });
    const cluster = this.#cluster(config);
    return {
      stack: this,
      config,
      state: asInterface<ITable>(data.state),
      output: asInterface<ITable>(data.output),
      segmentBucket: data.segments.bucketName,
      segmentBucketArn: data.segmentBucketArn,
      transferBucket: data.transfers.bucketName,
      transferBucketArn: transfers.bucketArn,
      transferHost: transfers.host,
      network,
      openNetwork: config.internet
        ? new OpenNetwork(this, 'Open', { config, transfers })
        : undefined,
      eventBusArn: this.formatArn({
        service: 'events',
        resource: 'event-bus',
        resourceName: 'default',
      }),
      clusterName: cluster.ref,
      connectionsUrl: socketApi.connectionsUrl,
      websocketUrl: socketApi.url,
      connectionsArn: socketApi.postArn,
      connectionsFinding: socketApi.postFinding,
      failureArns: queues.arns,
      dnsRuleGroupId: network.dnsRuleGroupId,
      fleet: {
        clusterArn: cluster.attrArn,
        taskArns: this.formatArn({
          service: 'ecs',
          resource: 'task',
          resourceName: `${cluster.ref}/*`,
          arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
        }),
        taskDefinitionArn: task.definition.ref,
        executionRoleArn: task.executionRole.roleArn,
      },
    };
  }

  #cluster({ stackName }: DeployConfig): ecs.CfnCluster {
    const cluster = new ecs.CfnCluster(this, 'Cluster', {
      clusterName: stackName,
      clusterSettings: [{ name: 'containerInsights', value: 'disabled' }],
    });
    acknowledge(cluster, {
      'AwsSolutions-ECS4':
        'With thousands of short tasks Container Insights costs more than the tasks; functions record what a sandbox did.',
    });
    return cluster;
  }

  #say(outputs: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }
}
