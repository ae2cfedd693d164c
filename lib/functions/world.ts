/** What functions are made of and may be granted: handed to each of them whole, used in part. */
import type { Stack } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { segmentsExport } from '../data-stack.ts';
import type { DeployConfig } from '../deploy-config.ts';
import type { ClosedNetwork } from '../network/closed-network.ts';
import type { Fleet } from './fleet-grants.ts';
import { deployedName, type FunctionName, functionArn } from './names.ts';

export interface World {
  readonly stack: Stack;
  readonly config: DeployConfig;
  readonly state: ITable;
  readonly output: ITable;
  readonly segmentBucket: string;
  readonly segmentBucketArn: string;
  readonly network: ClosedNetwork;
  readonly fleet: Fleet;
  readonly clusterName: string;
  /** Queue of the events that were given up. */
  readonly failuresArn: string;
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
});

export const relayEnv = (world: World) => ({ RELAY_FUNCTION: nameOf(world, 'relay') });

export const poolEnv = (world: World) => ({ POOL_FUNCTION: nameOf(world, 'pool') });

/** Findings that stand, with the reason; each names one resource, so that another wildcard is found. */
export const segmentKeysFinding = ({ config }: World) => ({
  [`AwsSolutions-IAM5[Resource::${segmentsExport(config)}/*]`]:
    'Segments are named by execution, and the bucket holds nothing else.',
});

export const taskNamesFinding = {
  'AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:ecs:<AWS::Region>:<AWS::AccountId>:task/<Cluster>/*]':
    'Tasks have no names before they run: the grant names their cluster.',
};
