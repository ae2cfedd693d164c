/**
 * The network `closed`: two kinds of isolated subnets and no way out. Sandboxes reach the endpoints
 * that pull their image; agent-gateway reaches sandboxes, on the agent's port only, and one bucket.
 * Must never get a NAT or internet gateway, an endpoint of DynamoDB, or a look-up at synthesis.
 */
/* oxlint-disable no-new -- a construct adds itself to its scope */
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import { asInterface } from '../as-interface.ts';
import type { DeployConfig } from '../deploy-config.ts';
import { DnsFirewall } from './dns-firewall.ts';
import { imagePullEndpoints, type PullPermissions } from './endpoints.ts';
import {
  admitGateway,
  admitToFiles,
  closedGroup,
  GATEWAY,
  logRejected,
  objectsOf,
  SANDBOX,
  type SandboxNetwork,
  type TransferBucket,
} from './sandbox-network.ts';

const HTTPS = ec2.Port.tcp(443);

export interface ClosedNetworkProps {
  readonly config: DeployConfig;
  readonly pull: PullPermissions;
  readonly transfers: TransferBucket;
}

export class ClosedNetwork extends Construct implements SandboxNetwork {
  readonly gatewayName = 'agent-gateway';
  readonly vpc: ec2.IVpc;
  readonly sandboxSubnets: ec2.SelectedSubnets;
  readonly gatewaySubnets: ec2.SelectedSubnets;
  /** Of every sandbox: no two of them reach each other. */
  readonly sandboxGroup: ec2.SecurityGroup;
  readonly gatewayGroup: ec2.SecurityGroup;
  readonly dnsRuleGroupId: string;

  constructor(scope: Construct, id: string, props: ClosedNetworkProps) {
    super(scope, id);
    this.vpc = this.#vpc(props.config);
    this.sandboxSubnets = this.vpc.selectSubnets({ subnetGroupName: SANDBOX });
    this.gatewaySubnets = this.vpc.selectSubnets({ subnetGroupName: GATEWAY });
    this.sandboxGroup = closedGroup(
      this,
      'SandboxGroup',
      'Sandboxes: to the endpoints, from the gateway',
    );
    this.gatewayGroup = closedGroup(this, 'GatewayGroup', 'agent-gateway: to agents and to S3');
    const endpointGroup = closedGroup(this, 'EndpointGroup', 'Endpoints: from sandboxes only');
    admitGateway(this);
    this.sandboxGroup.addEgressRule(endpointGroup, HTTPS, 'to the endpoints of ECR');
    endpointGroup.addIngressRule(this.sandboxGroup, HTTPS, 'from sandboxes');
    this.sandboxGroup.addEgressRule(objectsOf(props.config), HTTPS, 'to image layers in S3');
    imagePullEndpoints(this, {
      vpc: this.vpc,
      subnets: this.#endpointSubnets(props.config),
      layerSubnets: this.sandboxSubnets,
      group: endpointGroup,
      pull: props.pull,
    });
    admitToFiles(this, props.transfers, props.config);
    this.dnsRuleGroupId = new DnsFirewall(this, 'DnsFirewall', {
      vpc: this.vpc,
      hosts: [props.transfers.host],
    }).ruleGroupId;
  }

  #vpc(config: DeployConfig): ec2.IVpc {
    const vpc = asInterface<ec2.IVpc>(
      new ec2.Vpc(this, 'Vpc', {
        ipAddresses: ec2.IpAddresses.cidr('10.0.0.0/16'),
        maxAzs: 2,
        natGateways: 0,
        createInternetGateway: false,
        // The custom resource that strips the default group needs a function of its own; nothing uses that group.
        restrictDefaultSecurityGroup: false,
        subnetConfiguration: [
          // One address a sandbox: 16,379 in each zone.
          { name: SANDBOX, subnetType: ec2.SubnetType.PRIVATE_ISOLATED, cidrMask: 18 },
          { name: GATEWAY, subnetType: ec2.SubnetType.PRIVATE_ISOLATED, cidrMask: 24 },
        ],
      }),
    );
    logRejected(this, vpc, `/${config.stackName}/rejected-traffic`);
    return vpc;
  }

  /** An endpoint costs in each zone: one zone is enough unless a zone's loss must not stop launches. */
  #endpointSubnets({ profile }: DeployConfig): ec2.ISubnet[] {
    const { subnets } = this.sandboxSubnets;
    return profile === 'prod' ? subnets : subnets.slice(0, 1);
  }
}
