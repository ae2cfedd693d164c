/**
 * The network `open`: sandboxes with a way out to the web, in a VPC of their own, because a function
 * attaches to one VPC and a DNS firewall applies to a whole one. No NAT: a sandbox has a public
 * address of its own, and its group lets nobody in but agent-gateway. Must never hold a resource
 * that trusts its neighbours.
 */
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import { asInterface } from '../as-interface.ts';
import type { DeployConfig } from '../deploy-config.ts';
import {
  admitGateway,
  admitToFiles,
  closedGroup,
  GATEWAY,
  logRejected,
  SANDBOX,
  type SandboxNetwork,
  type TransferBucket,
} from './sandbox-network.ts';

export class OpenNetwork extends Construct implements SandboxNetwork {
  readonly gatewayName = 'agent-gateway-open';
  readonly vpc: ec2.IVpc;
  readonly sandboxSubnets: ec2.SelectedSubnets;
  readonly gatewaySubnets: ec2.SelectedSubnets;
  readonly sandboxGroup: ec2.SecurityGroup;
  readonly gatewayGroup: ec2.SecurityGroup;

  constructor(
    scope: Construct,
    id: string,
    { config, transfers }: { config: DeployConfig; transfers: TransferBucket },
  ) {
    super(scope, id);
    this.vpc = this.#vpc();
    logRejected(this, this.vpc, `/${config.stackName}/rejected-traffic-open`);
    this.sandboxSubnets = this.vpc.selectSubnets({ subnetGroupName: SANDBOX });
    this.gatewaySubnets = this.vpc.selectSubnets({ subnetGroupName: GATEWAY });
    this.sandboxGroup = closedGroup(
      this,
      'SandboxGroup',
      'Sandboxes: to the web, from the gateway',
    );
    this.gatewayGroup = closedGroup(
      this,
      'GatewayGroup',
      'agent-gateway-open: to agents and to S3',
    );
    admitGateway(this);
    admitToFiles(this, transfers, config);
    for (const port of [80, 443]) {
      this.sandboxGroup.addEgressRule(ec2.Peer.anyIpv4(), ec2.Port.tcp(port), 'to the web');
    }
  }

  #vpc(): ec2.IVpc {
    const vpc = new ec2.Vpc(this, 'Vpc', {
      ipAddresses: ec2.IpAddresses.cidr('10.1.0.0/16'),
      maxAzs: 2,
      natGateways: 0,
      // The custom resource that strips the default group needs a function of its own; nothing uses that group.
      restrictDefaultSecurityGroup: false,
      subnetConfiguration: [
        {
          name: SANDBOX,
          subnetType: ec2.SubnetType.PUBLIC,
          cidrMask: 18,
          // The launch asks for an address; nothing else that may be put here should get one.
          mapPublicIpOnLaunch: false,
        },
        { name: GATEWAY, subnetType: ec2.SubnetType.PRIVATE_ISOLATED, cidrMask: 24 },
      ],
    });
    return asInterface<ec2.IVpc>(vpc);
  }
}
