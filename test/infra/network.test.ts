import { describe, expect, it } from 'vitest';
import { AGENT_PORT } from '../../contract/agent/protocol.ts';
import { assemblyOf, DEPLOYMENT_NAMES, ofType, oneOf } from './assembly.ts';
import { asText } from './statements.ts';

/** Of the network with a way out, which is one of its own. */
const isOpen = (id: string) => id.startsWith('Open');

const ENDPOINT = 'AWS::EC2::VPCEndpoint';
const NO_WAY_OUT = [
  'AWS::EC2::InternetGateway',
  'AWS::EC2::EgressOnlyInternetGateway',
  'AWS::EC2::NatGateway',
  'AWS::EC2::TransitGatewayAttachment',
  'AWS::EC2::VPCPeeringConnection',
  'AWS::EC2::Route',
];

describe.each(DEPLOYMENT_NAMES)('the closed network of %s', (name) => {
  it('has no gateway and no route of its own', async () => {
    const { service } = await assemblyOf(name);
    for (const type of NO_WAY_OUT) {
      const ids = [...ofType(service, type).keys()].filter((id) => !isOpen(id));
      expect(ids, type).toEqual([]);
    }
    for (const subnet of ofType(service, 'AWS::EC2::Subnet').values())
      expect(subnet['MapPublicIpOnLaunch']).toBe(false);
  });

  it('has the endpoints of an image pull and no other: DynamoDB is not to be had', async () => {
    const { service } = await assemblyOf(name);
    const services = [...ofType(service, ENDPOINT).values()]
      .filter(({ VpcId }) => asText(VpcId) === '<ClosedVpc>')
      .map(({ ServiceName }) => asText(ServiceName));
    expect(services.sort()).toEqual([
      'com.amazonaws.<AWS::Region>.ecr.api',
      'com.amazonaws.<AWS::Region>.ecr.dkr',
      'com.amazonaws.<AWS::Region>.s3',
      'com.amazonaws.<AWS::Region>.s3',
    ]);
  });

  it('lets agent-gateway read and write files on their way in S3, and no other object', async () => {
    const { service } = await assemblyOf(name);
    const transfers = oneOf(service, ENDPOINT, 'ClosedTransfers');
    const [statement, ...more] = transfers['PolicyDocument']['Statement'];
    expect(more).toEqual([]);
    expect(statement).toMatchObject({ Effect: 'Allow', Action: ['s3:GetObject', 's3:PutObject'] });
    expect(asText(statement['Resource'])).toBe('<code-interpreter-transfers>/*');
    expect(transfers['RouteTableIds'].map(asText)).toEqual([
      expect.stringContaining('gatewaySubnet1'),
      expect.stringContaining('gatewaySubnet2'),
    ]);
  });

  it('lets nothing but image layers out of S3, and only to sandboxes', async () => {
    const { service } = await assemblyOf(name);
    const layers = oneOf(service, ENDPOINT, 'ClosedLayers');
    const [statement, ...more] = layers['PolicyDocument']['Statement'];
    expect(more).toEqual([]);
    expect(statement).toMatchObject({ Effect: 'Allow', Action: 's3:GetObject' });
    expect(asText(statement['Resource'])).toBe(
      'arn:aws:s3:::prod-<AWS::Region>-starport-layer-bucket/*',
    );
    expect(layers['RouteTableIds'].map(asText)).toEqual([
      expect.stringContaining('sandboxSubnet1'),
      expect.stringContaining('sandboxSubnet2'),
    ]);
  });

  it.each(['ClosedEcrApi', 'ClosedEcrDocker'])('%s serves the execution role only', async (id) => {
    const { service } = await assemblyOf(name);
    const { PolicyDocument, SecurityGroupIds } = oneOf(service, ENDPOINT, id);
    const actions = PolicyDocument['Statement'].flatMap(
      ({ Action }: { Action: string | string[] }) => Action,
    );
    expect(actions.sort()).toEqual([
      'ecr:BatchCheckLayerAvailability',
      'ecr:BatchGetImage',
      'ecr:GetAuthorizationToken',
      'ecr:GetDownloadUrlForLayer',
    ]);
    for (const { Condition } of PolicyDocument['Statement'])
      expect(asText(Condition.ArnEquals['aws:PrincipalArn'])).toBe('<SandboxExecutionRole.Arn>');
    expect(SecurityGroupIds.map(asText)).toEqual(['<ClosedEndpointGroup.GroupId>']);
  });

  it('resolves the names of an image pull, that of the transfer bucket, and no other', async () => {
    const { service } = await assemblyOf(name);
    const [group] = ofType(service, 'AWS::Route53Resolver::FirewallRuleGroup').values();
    const rules = group?.['FirewallRules'];
    expect(rules).toHaveLength(2);
    expect(rules[0]).toMatchObject({
      Priority: 100,
      Action: 'ALLOW',
      FirewallDomainRedirectionAction: 'TRUST_REDIRECTION_DOMAIN',
    });
    expect(rules[1]).toMatchObject({ Priority: 200, Action: 'BLOCK', BlockResponse: 'NODATA' });
    const list = 'AWS::Route53Resolver::FirewallDomainList';
    expect(oneOf(service, list, 'ClosedDnsFirewallEverything')['Domains']).toEqual(['*']);
    expect(oneOf(service, list, 'ClosedDnsFirewallAllowed')['Domains'].map(asText)).toEqual([
      'api.ecr.<AWS::Region>.amazonaws.com',
      '*.dkr.ecr.<AWS::Region>.amazonaws.com',
      'prod-<AWS::Region>-starport-layer-bucket.s3.<AWS::Region>.amazonaws.com',
      expect.stringContaining('Transfers'),
    ]);
    const [association, ...more] = ofType(
      service,
      'AWS::Route53Resolver::FirewallRuleGroupAssociation',
    ).values();
    expect(more).toEqual([]);
    expect(asText(association?.['VpcId'])).toBe('<ClosedVpc>');
    // Nothing may make the VPC fail open.
    expect(ofType(service, 'AWS::Route53Resolver::FirewallConfig').size).toBe(0);
  });

  it('records what was refused', async () => {
    const { service } = await assemblyOf(name);
    const logs = [...ofType(service, 'AWS::EC2::FlowLog').values()];
    expect(logs.map(({ ResourceId }) => asText(ResourceId))).toContain('<ClosedVpc>');
    for (const log of logs)
      expect(log).toMatchObject({ TrafficType: 'REJECT', ResourceType: 'VPC' });
  });
});

describe('the security groups', () => {
  it('begin with a rule of their own, since EC2’s would allow everything', async () => {
    const { service } = await assemblyOf('dev');
    for (const [id, group] of ofType(service, 'AWS::EC2::SecurityGroup'))
      expect(group['SecurityGroupEgress'], id).toHaveLength(1);
    const gateway = oneOf(service, 'AWS::EC2::SecurityGroup', 'ClosedGatewayGroup');
    expect(gateway['SecurityGroupEgress'][0]).toMatchObject({ CidrIp: '255.255.255.255/32' });
  });

  it('join gateway to agent, sandbox to endpoints, and nothing else', async () => {
    const { service } = await assemblyOf('dev');
    const rule = (from: unknown, to: unknown, port: unknown) =>
      `${asText(from)} → ${asText(to)}:${String(port)}`;
    const egress = [...ofType(service, 'AWS::EC2::SecurityGroupEgress').values()].map((rules) =>
      rule(rules['GroupId'], rules['DestinationSecurityGroupId'], rules['ToPort']),
    );
    const ingress = [...ofType(service, 'AWS::EC2::SecurityGroupIngress').values()].map((rules) =>
      rule(rules['SourceSecurityGroupId'], rules['GroupId'], rules['ToPort']),
    );
    const expected = [
      `<ClosedGatewayGroup.GroupId> → <ClosedSandboxGroup.GroupId>:${AGENT_PORT}`,
      '<ClosedSandboxGroup.GroupId> → <ClosedEndpointGroup.GroupId>:443',
    ];
    expect(egress.sort()).toEqual(expected);
    expect(ingress.sort()).toEqual(expected);
  });
});

describe('the endpoints’ cost', () => {
  it.each([
    ['dev', 1],
    ['prod', 2],
  ] as const)('in %s is that of %i zone(s)', async (name, zones) => {
    const { service } = await assemblyOf(name);
    expect(oneOf(service, ENDPOINT, 'ClosedEcrApi')['SubnetIds']).toHaveLength(zones);
  });
});

describe('the open network', () => {
  it('is deployed only where it is asked for', async () => {
    for (const name of ['dev', 'prod'] as const) {
      const { service } = await assemblyOf(name);
      expect(Object.keys(service.Resources).filter(isOpen), name).toEqual([]);
    }
    const { service } = await assemblyOf('local');
    expect([...ofType(service, 'AWS::EC2::VPC').keys()]).toHaveLength(2);
  });

  it('gives a way out to the subnets of sandboxes alone, and an address to nobody who does not ask', async () => {
    const { service } = await assemblyOf('local');
    const routes = [...ofType(service, 'AWS::EC2::Route').values()];
    expect(routes.map(({ RouteTableId }) => asText(RouteTableId))).toEqual([
      expect.stringMatching(/^<OpenVpcsandboxSubnet1/),
      expect.stringMatching(/^<OpenVpcsandboxSubnet2/),
    ]);
    for (const route of routes) expect(asText(route['GatewayId'])).toMatch(/^<OpenVpcIGW/);
    expect(ofType(service, 'AWS::EC2::NatGateway').size).toBe(0);
    for (const subnet of ofType(service, 'AWS::EC2::Subnet').values())
      expect(subnet['MapPublicIpOnLaunch']).toBe(false);
  });

  it('lets sandboxes out by 80 and 443, and nobody in but its gateway on the agents’ port', async () => {
    const { service } = await assemblyOf('local');
    const group = oneOf(service, 'AWS::EC2::SecurityGroup', 'OpenSandboxGroup');
    expect(group['SecurityGroupEgress']).toMatchObject([
      { CidrIp: '0.0.0.0/0', IpProtocol: 'tcp', FromPort: 80, ToPort: 80 },
      { CidrIp: '0.0.0.0/0', IpProtocol: 'tcp', FromPort: 443, ToPort: 443 },
    ]);
    expect(group).not.toHaveProperty('SecurityGroupIngress');
    const ingress = [...ofType(service, 'AWS::EC2::SecurityGroupIngress')]
      .filter(([id]) => isOpen(id))
      .map(([, { SourceSecurityGroupId, GroupId, FromPort, ToPort }]) => [
        asText(SourceSecurityGroupId),
        asText(GroupId),
        FromPort,
        ToPort,
      ]);
    expect(ingress).toEqual([
      ['<OpenGatewayGroup.GroupId>', '<OpenSandboxGroup.GroupId>', AGENT_PORT, AGENT_PORT],
    ]);
  });

  it('has a gateway of its own, and of the endpoints that of files only', async () => {
    const { service } = await assemblyOf('local');
    const gateway = oneOf(service, 'AWS::Lambda::Function', 'OpenAgentGateway');
    expect(gateway['VpcConfig']['SecurityGroupIds'].map(asText)).toEqual([
      '<OpenGatewayGroup.GroupId>',
    ]);
    expect(gateway['VpcConfig']['SubnetIds'].map(asText)).toEqual([
      expect.stringMatching(/^<OpenVpcgatewaySubnet1/),
      expect.stringMatching(/^<OpenVpcgatewaySubnet2/),
    ]);
    const here = [...ofType(service, ENDPOINT)].filter(
      ([, { VpcId }]) => asText(VpcId) !== '<ClosedVpc>',
    );
    expect(here.map(([id]) => id)).toEqual([expect.stringMatching(/^OpenTransfers/)]);
  });
});
