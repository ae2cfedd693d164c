/**
 * agent-gateway, the one function in a VPC. Lambda makes its interfaces with the function's own
 * role, so the role holds those actions; a Deny takes them from the code. It may call nothing else.
 */
import { Duration } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { AgentGatewayEnv } from '../../lambdas/agent-gateway/env.ts';
import { acknowledge } from '../acknowledge.ts';
import type { SandboxNetwork } from '../network/sandbox-network.ts';
import { ServiceFunction } from './service-function.ts';
import { arnOf, type World } from './world.ts';

const CONSTRUCT_OF = {
  'agent-gateway': 'AgentGateway',
  'agent-gateway-open': 'OpenAgentGateway',
} as const;

const INTERFACE_ACTIONS = [
  'ec2:AssignPrivateIpAddresses',
  'ec2:CreateNetworkInterface',
  'ec2:DeleteNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:UnassignPrivateIpAddresses',
];

/** One in each network: a function attaches to one VPC. */
export function agentGateway(
  scope: Construct,
  world: World,
  { vpc, gatewaySubnets, gatewayGroup, gatewayName }: SandboxNetwork,
): ServiceFunction {
  const gateway = new ServiceFunction(scope, CONSTRUCT_OF[gatewayName], {
    config: world.config,
    name: gatewayName,
    bundle: 'agent-gateway',
    description: 'Forwards one request to a sandbox and streams the answer back',
    envSchema: AgentGatewayEnv,
    env: { TRANSFER_HOST: world.transferHost },
    grants: [
      new iam.PolicyStatement({ actions: INTERFACE_ACTIONS, resources: ['*'] }),
      new iam.PolicyStatement({
        effect: iam.Effect.DENY,
        actions: INTERFACE_ACTIONS,
        resources: ['*'],
        conditions: {
          ArnEquals: { 'lambda:SourceFunctionArn': arnOf(world, gatewayName) },
        },
      }),
    ],
    timeout: Duration.minutes(15),
    network: {
      vpc,
      vpcSubnets: { subnets: gatewaySubnets.subnets },
      securityGroups: [gatewayGroup],
    },
  });
  acknowledge(gateway.role, {
    'AwsSolutions-IAM5[Resource::*]':
      'Lambda needs these EC2 actions on * to attach the function to its VPC; a Deny keeps them from its code.',
  });
  return gateway;
}

/** Who may call it, in its own policy too, so that the list can be read in one place. */
export function admitCallers(gateway: ServiceFunction, callers: readonly ServiceFunction[]): void {
  for (const caller of callers) {
    gateway.function.addPermission(`From${caller.node.id}`, {
      principal: new iam.ArnPrincipal(caller.role.roleArn),
      action: 'lambda:InvokeFunction',
    });
  }
}
