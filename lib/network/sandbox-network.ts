/** What a network of sandboxes gives to those who launch in it and dial into it, and what all such networks share. */
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as logs from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { AGENT_PORT } from '../../contract/agent/protocol.ts';
import type { DeployConfig } from '../deploy-config.ts';
import { destroyedLogGroup } from '../log-group.ts';
import { transferEndpoint } from './endpoints.ts';

/** Names of the two kinds of subnets. */
export const SANDBOX = 'sandbox';
export const GATEWAY = 'gateway';

export interface SandboxNetwork {
  readonly vpc: ec2.IVpc;
  readonly sandboxSubnets: ec2.SelectedSubnets;
  readonly gatewaySubnets: ec2.SelectedSubnets;
  /** Of every sandbox: no two of them reach each other. */
  readonly sandboxGroup: ec2.SecurityGroup;
  readonly gatewayGroup: ec2.SecurityGroup;
  /** Of the one function inside it. */
  readonly gatewayName: 'agent-gateway' | 'agent-gateway-open';
}

/** A group that lets nothing in and nothing out but by its own rules. */
export const closedGroup = (
  scope: Construct & { readonly vpc: ec2.IVpc },
  id: string,
  description: string,
): ec2.SecurityGroup =>
  new ec2.SecurityGroup(scope, id, { vpc: scope.vpc, description, allowAllOutbound: false });

/** agent-gateway reaches sandboxes, on the agent's port only. */
export function admitGateway({
  gatewayGroup,
  sandboxGroup,
}: Pick<SandboxNetwork, 'gatewayGroup' | 'sandboxGroup'>): void {
  const agentPort = ec2.Port.tcp(AGENT_PORT);
  denyByDefault(gatewayGroup);
  gatewayGroup.addEgressRule(sandboxGroup, agentPort, 'to agents');
  sandboxGroup.addIngressRule(gatewayGroup, agentPort, 'from agent-gateway');
}

/** Of the bucket that agent-gateway carries files to and from. */
export interface TransferBucket {
  readonly bucketArn: string;
  readonly host: string;
}

/**
 * S3 is reached by gateway endpoints, which have no address in the VPC. Their prefix list has another
 * id in each Region and no template can look it up, so without the setting a rule names every address:
 * the only routes of isolated subnets are the VPC itself and their endpoint.
 */
export const objectsOf = ({ s3PrefixListId }: DeployConfig): ec2.IPeer =>
  s3PrefixListId === undefined ? ec2.Peer.anyIpv4() : ec2.Peer.prefixList(s3PrefixListId);

/** agent-gateway's way to the files that it carries, and to no other object. */
export function admitToFiles(
  scope: Construct & Pick<SandboxNetwork, 'vpc' | 'gatewayGroup' | 'gatewaySubnets'>,
  { bucketArn }: TransferBucket,
  config: DeployConfig,
): void {
  const { vpc, gatewayGroup, gatewaySubnets } = scope;
  transferEndpoint(scope, { vpc, subnets: gatewaySubnets, bucketArn });
  gatewayGroup.addEgressRule(objectsOf(config), ec2.Port.tcp(443), 'to files on their way in S3');
}

/** What a sandbox tried and was refused is worth more than what it was let do, and costs little. */
export function logRejected(scope: Construct, vpc: ec2.IVpc, name: string): void {
  const logGroup = destroyedLogGroup(scope, 'RejectedLog', {
    name,
    retention: logs.RetentionDays.TWO_WEEKS,
  });
  vpc.addFlowLog('Rejected', {
    destination: ec2.FlowLogDestination.toCloudWatchLogs(logGroup),
    trafficType: ec2.FlowLogTrafficType.REJECT,
  });
}

/**
 * A group whose only rules stand beside it would begin with EC2's own rule, which allows everything.
 * This inline rule, which no packet fits, takes that rule's place.
 */
function denyByDefault(group: ec2.SecurityGroup): void {
  const resource = group.node.defaultChild as ec2.CfnSecurityGroup;
  resource.addPropertyOverride('SecurityGroupEgress', [
    { CidrIp: '255.255.255.255/32', IpProtocol: 'icmp', FromPort: 252, ToPort: 86 },
  ]);
}
