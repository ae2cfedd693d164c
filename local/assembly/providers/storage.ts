/** DynamoDB tables (both template types) and S3 buckets: stood up in their stand-ins, with stable names. */
import { z } from 'zod';
import { physicalName } from '../naming.ts';
import { type Provider, type ProviderContext, readProperties } from '../provider.ts';

const table: Provider = async (_logicalId, properties, context) => {
  const schema = z.object({ TableName: z.string().optional() });
  const given = readProperties(schema, properties, context).TableName;
  const name = given ?? physicalName(context.address, { maxLength: 255 });
  await context.services.dynamodb.createTable({ ...properties, TableName: name });
  return {
    ref: name,
    attributes: { Arn: context.arn('dynamodb', `table/${name}`), TableId: name },
  };
};

function bucketAttributes(name: string, { region }: ProviderContext) {
  return {
    Arn: `arn:aws:s3:::${name}`,
    DomainName: `${name}.s3.amazonaws.com`,
    RegionalDomainName: `${name}.s3.${region}.amazonaws.com`,
  };
}

const bucket: Provider = async (_logicalId, properties, context) => {
  const { BucketName } = readProperties(
    z.object({ BucketName: z.string().optional() }),
    properties,
    context,
  );
  const name = BucketName ?? physicalName(context.address, { maxLength: 63, lowercase: true });
  await context.services.s3.createBucket(name, properties);
  return { ref: name, attributes: bucketAttributes(name, context) };
};

export const storageProviders: Readonly<Record<string, Provider>> = {
  'AWS::DynamoDB::Table': table,
  'AWS::DynamoDB::GlobalTable': table,
  'AWS::S3::Bucket': bucket,
};
