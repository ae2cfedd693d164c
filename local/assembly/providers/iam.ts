/**
 * IAM: no role is created here. Roles and policies stay in the model with their documents resolved,
 * from where access.ts reads the very policies that would be deployed.
 */
import { z } from 'zod';
import { physicalName, resourceId } from '../naming.ts';
import { type Provider, readProperties } from '../provider.ts';

const role: Provider = async (_logicalId, properties, context) => {
  const { RoleName } = readProperties(
    z.object({ RoleName: z.string().optional() }),
    properties,
    context,
  );
  const name = RoleName ?? physicalName(context.address);
  return {
    ref: name,
    attributes: {
      Arn: `arn:aws:iam::${context.accountId}:role/${name}`,
      RoleId: resourceId('AROA', context.address),
    },
  };
};

const policy: Provider = async (_logicalId, _properties, context) => ({
  ref: physicalName(context.address),
  attributes: { Id: physicalName(context.address) },
});

const managedPolicy: Provider = async (_logicalId, _properties, context) => {
  const arn = `arn:aws:iam::${context.accountId}:policy/${physicalName(context.address)}`;
  return { ref: arn, attributes: { PolicyArn: arn } };
};

export const iamProviders: Readonly<Record<string, Provider>> = {
  'AWS::IAM::Role': role,
  'AWS::IAM::Policy': policy,
  'AWS::IAM::ManagedPolicy': managedPolicy,
  // Resource policies: kept for the same reader.
  'AWS::S3::BucketPolicy': policy,
  'AWS::SQS::QueuePolicy': policy,
  'AWS::SNS::TopicPolicy': policy,
};
