/**
 * The network as the template draws it. Nothing is routed by it: subnets, route tables and routes stay in the model
 * because a task has a network if and only if its subnets have a default route. The rest has no counterpart here.
 */
import { z } from 'zod';
import { resourceId } from '../naming.ts';
import {
  type Properties,
  type Provider,
  type ProviderContext,
  readProperties,
} from '../provider.ts';

type Attributes = (id: string, properties: Properties, context: ProviderContext) => object;

const withId =
  (prefix: string, attributes: Attributes = () => ({})): Provider =>
  async (_logicalId, properties, context) => {
    const ref = resourceId(prefix, context.address);
    return { ref, attributes: { Id: ref, ...attributes(ref, properties, context) } };
  };

const cidr = z.object({ CidrBlock: z.string().optional() });

const vpcAttributes: Attributes = (id, properties, context) => {
  const { CidrBlock } = readProperties(cidr, properties, context);
  return {
    VpcId: id,
    CidrBlock,
    CidrBlockAssociations: [resourceId('vpc-cidr-assoc', context.address)],
    DefaultNetworkAcl: resourceId('acl', context.address),
    DefaultSecurityGroup: resourceId('sg', context.address),
    Ipv6CidrBlocks: [],
  };
};

const subnetAttributes: Attributes = (id, properties) => ({
  SubnetId: id,
  AvailabilityZone: properties['AvailabilityZone'],
  CidrBlock: properties['CidrBlock'],
  VpcId: properties['VpcId'],
  NetworkAclAssociationId: id.replace('subnet', 'aclassoc'),
  Ipv6CidrBlocks: [],
});

const endpointAttributes: Attributes = (_id, _properties, { address }) => ({
  CreationTimestamp: '1970-01-01T00:00:00Z',
  DnsEntries: [],
  NetworkInterfaceIds: [resourceId('eni', address)],
});

export const ec2Providers: Readonly<Record<string, Provider>> = {
  'AWS::EC2::VPC': withId('vpc', vpcAttributes),
  'AWS::EC2::Subnet': withId('subnet', subnetAttributes),
  'AWS::EC2::RouteTable': withId('rtb', (RouteTableId) => ({ RouteTableId })),
  'AWS::EC2::SubnetRouteTableAssociation': withId('rtbassoc'),
  'AWS::EC2::Route': withId('r'),
  'AWS::EC2::InternetGateway': withId('igw', (InternetGatewayId) => ({ InternetGatewayId })),
  'AWS::EC2::VPCGatewayAttachment': withId('igwattach', () => ({ AttachmentType: 'IGW' })),
  'AWS::EC2::NatGateway': withId('nat', (NatGatewayId) => ({ NatGatewayId })),
  'AWS::EC2::EIP': withId('eipalloc', (AllocationId) => ({ AllocationId, PublicIp: '192.0.2.1' })),
  // Inert: a task that has no network needs no filter, and one that has goes out as this machine does.
  'AWS::EC2::SecurityGroup': withId('sg', (GroupId, { VpcId }) => ({ GroupId, VpcId })),
  'AWS::EC2::SecurityGroupIngress': withId('sgr'),
  'AWS::EC2::SecurityGroupEgress': withId('sgr'),
  'AWS::EC2::NetworkAcl': withId('acl', (NetworkAclId) => ({ NetworkAclId })),
  'AWS::EC2::NetworkAclEntry': withId('aclentry'),
  'AWS::EC2::SubnetNetworkAclAssociation': withId('aclassoc'),
  'AWS::EC2::VPCEndpoint': withId('vpce', endpointAttributes),
  'AWS::EC2::FlowLog': withId('fl'),
};
