/** What functions are made of and may be granted: handed to each of them whole, used in part. */
import { ArnFormat, type Stack } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { segmentsExport, transfersExport } from '../data-stack.ts';
import type { DeployConfig } from '../deploy-config.ts';
import type { SandboxNetwork } from '../network/sandbox-network.ts';
import type { AsyncFunction } from './failure-queues.ts';
import type { Fleet } from './fleet-grants.ts';
import { deployedName, type FunctionName, functionArn } from './names.ts';
import { launchEstimate } from './timing.ts';

export interface World {
  readonly stack: Stack;
  readonly config: DeployConfig;
  readonly state: ITable;
  readonly output: ITable;
  readonly segmentBucket: string;
  readonly segmentBucketArn: string;
  readonly transferBucket: string;
  readonly transferBucketArn: string;
  /** `<bucket>.s3.<region>.amazonaws.com`. */
  readonly transferHost: string;
  readonly network: SandboxNetwork;
  /** With a way out; only where the deployment asks for it. */
  readonly openNetwork: SandboxNetwork | undefined;
  readonly fleet: Fleet;
  readonly clusterName: string;
  /** Where the deployment tells of what happened. */
  readonly eventBusArn: string;
  /** Where a message to a WebSocket connection is posted, and the right to. */
  readonly connectionsUrl: string;
  /** What clients of the WebSocket connect to. */
  readonly websocketUrl: string;
  readonly connectionsArn: string;
  readonly connectionsFinding: Readonly<Record<string, string>>;
  /** Of the closed network's DNS firewall. */
  readonly dnsRuleGroupId: string;
  /** Of the queue of the events that a function gave up. */
  readonly failureArns: Readonly<Record<AsyncFunction, string>>;
}

export const arnOf = ({ stack, config }: World, name: FunctionName): string =>
  functionArn(stack, config.stackName, name);

const nameOf = ({ config }: World, name: FunctionName): string =>
  deployedName(config.stackName, name);

export const stateEnv = ({ state }: World) => ({ STATE_TABLE: state.tableName });

export const logEnv = ({ output, segmentBucket }: World) => ({
  OUTPUT_TABLE: output.tableName,
  OUTPUT_BUCKET: segmentBucket,
});

export const httpEnv = ({ config }: World) => ({ ALLOWED_ORIGIN: config.allowedOrigins[0] ?? '*' });

export const gatewayEnv = (world: World) => ({
  AGENT_GATEWAY_FUNCTION: nameOf(world, 'agent-gateway'),
  ...(world.openNetwork
    ? { OPEN_AGENT_GATEWAY_FUNCTION: nameOf(world, 'agent-gateway-open') }
    : {}),
});

/** Whoever dials agents does so in every network. */
export const gatewayArns = (world: World): string[] => [
  arnOf(world, 'agent-gateway'),
  ...(world.openNetwork ? [arnOf(world, 'agent-gateway-open')] : []),
];

export const launchEnv = ({ fleet, network, openNetwork }: World) => ({
  TASK_DEFINITION: fleet.taskDefinitionArn,
  SUBNETS: subnetsOf(network),
  SECURITY_GROUPS: network.sandboxGroup.securityGroupId,
  ...(openNetwork
    ? {
        OPEN_SUBNETS: subnetsOf(openNetwork),
        OPEN_SECURITY_GROUPS: openNetwork.sandboxGroup.securityGroupId,
      }
    : {}),
});

const subnetsOf = ({ sandboxSubnets }: SandboxNetwork) => sandboxSubnets.subnetIds.join(',');

export const lifecycleEnv = (world: World) => ({ LIFECYCLE_MACHINE: lifecycleArn(world) });

/** The machine refers to its function, so the function only names the machine. */
export const lifecycleArn = ({ stack, config }: World): string =>
  stack.formatArn({
    service: 'states',
    resource: 'stateMachine',
    resourceName: lifecycleName(config),
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });

export const lifecycleName = ({ stackName }: DeployConfig): string => `${stackName}-lifecycle`;

export const eventSourceEnv = ({ config }: World) => ({ EVENT_SOURCE: config.stackName });
export const connectionsEnv = ({ connectionsUrl }: World) => ({ CONNECTIONS_URL: connectionsUrl });

export const relayEnv = (world: World) => ({ RELAY_FUNCTION: nameOf(world, 'relay') });

export const poolEnv = (world: World) => ({ POOL_FUNCTION: nameOf(world, 'pool') });

/** What creating a sandbox takes, and ending it. */
export const createEnv = (world: World) => ({
  ...poolEnv(world),
  ...lifecycleEnv(world),
  ...launchEstimate(world.config),
  CLUSTER: world.clusterName,
  INTERNET: world.config.internet ? ('true' as const) : ('false' as const),
  DEFAULT_LIFETIME_MS: String(world.config.defaultLifetimeMs),
  MAX_LIFETIME_MS: String(world.config.maxLifetimeMs),
  // The rest of the ceiling is for what waits in pools.
  MAX_LIVE_SANDBOXES_OF_ALL: String(
    world.config.maxRunningTasks - world.config.poolTarget - world.config.openPoolTarget,
  ),
});

export const transferEnv = (world: World) => ({
  TRANSFER_BUCKET: world.transferBucket,
});

export const transferFunctionEnv = (world: World) => ({
  TRANSFER_FUNCTION: nameOf(world, 'transfer'),
});

/** Findings that stand, with the reason; each names one resource, so that another wildcard is found. */
export const segmentKeysFinding = ({ config }: World) => ({
  [`AwsSolutions-IAM5[Resource::${segmentsExport(config)}/*]`]:
    'Segments are named by execution, and the bucket holds nothing else.',
});

export const transferKeysFinding = ({ config }: World) => ({
  [`AwsSolutions-IAM5[Resource::${transfersExport(config)}/*]`]:
    'Files on their way are named by tenant, sandbox and an id that nobody can guess; the bucket holds nothing else.',
});

export const taskNamesFinding = {
  'AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:ecs:<AWS::Region>:<AWS::AccountId>:task/<Cluster>/*]':
    'Tasks have no names before they run: the grant names their cluster.',
};
