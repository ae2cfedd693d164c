/**
 * No security group filters DNS, so this does: names that an image pull needs, and that of the transfer bucket, resolve, every other
 * name has no data. A VPC fails closed by default; that must stay so (no FirewallConfig opens it).
 */
/* oxlint-disable no-new -- a construct adds itself to its scope */
import { Stack } from 'aws-cdk-lib';
import type { IVpc } from 'aws-cdk-lib/aws-ec2';
import * as resolver from 'aws-cdk-lib/aws-route53resolver';
import { Construct } from 'constructs';
import { imageHostsOf } from './image-hosts.ts';

export class DnsFirewall extends Construct {
  readonly ruleGroupId: string;

  constructor(scope: Construct, id: string, { vpc, hosts }: { vpc: IVpc; hosts: string[] }) {
    super(scope, id);
    const allowed = new resolver.CfnFirewallDomainList(this, 'Allowed', {
      domains: [...imageHostsOf(Stack.of(this).region), ...hosts],
    });
    const everything = new resolver.CfnFirewallDomainList(this, 'Everything', { domains: ['*'] });
    const group = new resolver.CfnFirewallRuleGroup(this, 'Rules', {
      firewallRules: [
        {
          priority: 100,
          action: 'ALLOW',
          firewallDomainListId: allowed.attrId,
          // S3 hosts are aliases: without this, each name of the chain would need a line of its own.
          firewallDomainRedirectionAction: 'TRUST_REDIRECTION_DOMAIN',
        },
        {
          priority: 200,
          action: 'BLOCK',
          blockResponse: 'NODATA',
          firewallDomainListId: everything.attrId,
        },
      ],
    });
    this.ruleGroupId = group.attrId;
    new resolver.CfnFirewallRuleGroupAssociation(this, 'OnVpc', {
      firewallRuleGroupId: group.attrId,
      vpcId: vpc.vpcId,
      priority: 101,
    });
  }
}
