/**
 * The endpoints by which a task pulls its image. User code shares the task's interface, so each
 * policy names what a pull needs and no more: whoever holds other credentials gets nothing here.
 * No endpoint of CloudWatch Logs: a sandbox has no log driver, its agent's log is read through the agent.
 */
import { Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { layerBucketOf } from './image-hosts.ts';

/** Who pulls, and from where. */
export interface PullPermissions {
  readonly executionRoleArn: string;
  readonly repositoryArn: string;
}

export const PULL_ACTIONS = [
  'ecr:BatchCheckLayerAvailability',
  'ecr:BatchGetImage',
  'ecr:GetDownloadUrlForLayer',
] as const;
export const TOKEN_ACTION = 'ecr:GetAuthorizationToken';

export interface ImagePullEndpointsProps {
  readonly vpc: ec2.IVpc;
  readonly subnets: ec2.ISubnet[];
  /** Whose route tables get the way to S3. */
  readonly layerSubnets: ec2.SelectedSubnets;
  readonly group: ec2.SecurityGroup;
  readonly pull: PullPermissions;
}

export function imagePullEndpoints(scope: Construct, props: ImagePullEndpointsProps): void {
  const services = {
    EcrApi: ec2.InterfaceVpcEndpointAwsService.ECR,
    EcrDocker: ec2.InterfaceVpcEndpointAwsService.ECR_DOCKER,
  };
  for (const [id, service] of Object.entries(services)) {
    const endpoint = new ec2.InterfaceVpcEndpoint(scope, id, {
      vpc: props.vpc,
      service,
      subnets: { subnets: props.subnets },
      securityGroups: [props.group],
      open: false,
      privateDnsEnabled: true,
    });
    for (const statement of pullStatements(props.pull)) endpoint.addToPolicy(statement);
  }
  const layers = new ec2.GatewayVpcEndpoint(scope, 'Layers', {
    vpc: props.vpc,
    service: ec2.GatewayVpcEndpointAwsService.S3,
    subnets: [{ subnets: props.layerSubnets.subnets }],
  });
  layers.addToPolicy(layerStatement(Stack.of(scope).region));
}

function pullStatements({ executionRoleArn, repositoryArn }: PullPermissions) {
  const onlyTheExecutionRole = { ArnEquals: { 'aws:PrincipalArn': executionRoleArn } };
  const statement = (actions: readonly string[], resource: string): iam.PolicyStatement =>
    new iam.PolicyStatement({
      principals: [new iam.AnyPrincipal()],
      actions: [...actions],
      resources: [resource],
      conditions: onlyTheExecutionRole,
    });
  return [statement([TOKEN_ACTION], '*'), statement(PULL_ACTIONS, repositoryArn)];
}

/** Layer addresses are signed by ECR itself, so no principal of ours can be named. */
function layerStatement(region: string): iam.PolicyStatement {
  return new iam.PolicyStatement({
    principals: [new iam.AnyPrincipal()],
    actions: ['s3:GetObject'],
    resources: [`arn:aws:s3:::${layerBucketOf(region)}/*`],
  });
}

/**
 * agent-gateway's way to the files that it carries, and to no other object: the URLs that it is given
 * are signed by functions of ours, so what they may do is the same here.
 */
export function transferEndpoint(
  scope: Construct,
  { vpc, subnets, bucketArn }: { vpc: ec2.IVpc; subnets: ec2.SelectedSubnets; bucketArn: string },
): void {
  const endpoint = new ec2.GatewayVpcEndpoint(scope, 'Transfers', {
    vpc,
    service: ec2.GatewayVpcEndpointAwsService.S3,
    subnets: [{ subnets: subnets.subnets }],
  });
  endpoint.addToPolicy(
    new iam.PolicyStatement({
      principals: [new iam.AnyPrincipal()],
      actions: ['s3:GetObject', 's3:PutObject'],
      resources: [`${bucketArn}/*`],
    }),
  );
}
