/**
 * The list of resource types that do nothing on one machine, each group with its reason.
 * They get a name and the attributes that templates ask for, so that references resolve; nothing else happens.
 */
import { z } from 'zod';
import { physicalName, resourceId, uuidOf } from '../naming.ts';
import { type Provider, type ProviderContext, readProperties } from '../provider.ts';

/** Named by a property if the template does so, and with an ARN made of that name. */
function named(options: {
  nameProperty: string;
  arn: (name: string, context: ProviderContext) => string;
  attributes?: (name: string, arn: string, context: ProviderContext) => Record<string, unknown>;
  ref?: (name: string, arn: string, context: ProviderContext) => string;
}): Provider {
  const { nameProperty, arn: arnOf, attributes = () => ({}), ref = (name) => name } = options;
  return async (_logicalId, properties, context) => {
    const schema = z.object({ [nameProperty]: z.string().optional() });
    const given = readProperties(schema, properties, context)[nameProperty];
    const name = given ?? physicalName(context.address, { maxLength: 80 });
    const arn = arnOf(name, context);
    return {
      ref: ref(name, arn, context),
      attributes: { Arn: arn, ...attributes(name, arn, context) },
    };
  };
}

const anonymous: Provider = async (_logicalId, _properties, { address }) => ({
  ref: physicalName(address),
  attributes: { Id: physicalName(address) },
});

const kmsKey: Provider = async (_logicalId, _properties, context) => {
  const id = uuidOf(context.address);
  return { ref: id, attributes: { KeyId: id, Arn: context.arn('kms', `key/${id}`) } };
};

const resolverResource =
  (kind: string, prefix: string): Provider =>
  async (_logicalId, _properties, context) => {
    const id = resourceId(prefix, context.address);
    return {
      ref: id,
      attributes: { Id: id, Arn: context.arn('route53resolver', `${kind}/${id}`) },
    };
  };

/** What functions print goes to the log of this machine. */
const logs = {
  'AWS::Logs::LogGroup': named({
    nameProperty: 'LogGroupName',
    arn: (name, context) => context.arn('logs', `log-group:${name}:*`),
  }),
  'AWS::Logs::MetricFilter': anonymous,
  'AWS::Logs::QueryDefinition': anonymous,
};

/** Nobody is paged by one machine. */
const monitoring = {
  'AWS::CloudWatch::Alarm': named({
    nameProperty: 'AlarmName',
    arn: (name, context) => context.arn('cloudwatch', `alarm:${name}`),
  }),
  'AWS::CloudWatch::CompositeAlarm': named({
    nameProperty: 'AlarmName',
    arn: (name, context) => context.arn('cloudwatch', `alarm:${name}`),
  }),
  'AWS::CloudWatch::Dashboard': anonymous,
  'AWS::SNS::Topic': named({
    nameProperty: 'TopicName',
    arn: (name, context) => context.arn('sns', name),
    ref: (_name, arn) => arn,
    attributes: (name, arn) => ({ TopicName: name, TopicArn: arn }),
  }),
  'AWS::SNS::Subscription': anonymous,
  'AWS::Budgets::Budget': anonymous,
};

/** Data lies unencrypted in the data folder. */
const encryption = { 'AWS::KMS::Key': kmsKey, 'AWS::KMS::Alias': anonymous };

/** A task without a default route has no resolver at all; one with a route uses this machine's. */
const nameResolution = {
  'AWS::Route53Resolver::FirewallDomainList': resolverResource('firewall-domain-list', 'rslvr-fdl'),
  'AWS::Route53Resolver::FirewallRuleGroup': resolverResource('firewall-rule-group', 'rslvr-frg'),
  'AWS::Route53Resolver::FirewallRuleGroupAssociation': resolverResource(
    'firewall-rule-group-association',
    'rslvr-frgassoc',
  ),
  'AWS::Route53Resolver::ResolverConfig': anonymous,
  'AWS::Route53Resolver::ResolverQueryLoggingConfig': anonymous,
  'AWS::Route53Resolver::ResolverQueryLoggingConfigAssociation': anonymous,
  'AWS::EC2::VPCDHCPOptionsAssociation': anonymous,
};

/** Settings of an account, of a deployment or of the CDK itself, not of the running system. */
const administration = {
  'AWS::ApiGateway::Account': anonymous,
  'AWS::ApiGateway::UsagePlan': anonymous,
  'AWS::ECS::ClusterCapacityProviderAssociations': anonymous,
  'AWS::CDK::Metadata': anonymous,
  // Empties a bucket when its stack is destroyed; here the data folder is deleted as a whole.
  'Custom::S3AutoDeleteObjects': anonymous,
  // Strips a VPC's default security group, which filters nothing here.
  'Custom::VpcRestrictDefaultSG': anonymous,
};

export const inertProviders: Readonly<Record<string, Provider>> = {
  ...logs,
  ...monitoring,
  ...encryption,
  ...nameResolution,
  ...administration,
};
