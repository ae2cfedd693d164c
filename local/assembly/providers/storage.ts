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

const texts = z.array(z.string());

const bucketProperties = z.object({
  BucketName: z.string().optional(),
  CorsConfiguration: z
    .object({
      CorsRules: z.array(
        z.object({
          AllowedMethods: texts,
          AllowedOrigins: texts,
          AllowedHeaders: texts.optional(),
          ExposedHeaders: texts.optional(),
          MaxAge: z.coerce.number().optional(),
        }),
      ),
    })
    .optional(),
  LifecycleConfiguration: z
    .object({
      Rules: z.array(
        z.object({
          Status: z.enum(['Enabled', 'Disabled']),
          Prefix: z.literal('', 'a rule for a part of a bucket has no stand-in').optional(),
          ExpirationInDays: z.coerce.number().optional(),
        }),
      ),
    })
    .optional(),
});

type BucketProperties = z.output<typeof bucketProperties>;

/** Of several rules the one that comes first ends an object. */
function lifecycleDays({ LifecycleConfiguration }: BucketProperties): number | undefined {
  const days = (LifecycleConfiguration?.Rules ?? []).flatMap(({ Status, ExpirationInDays }) =>
    Status === 'Enabled' && ExpirationInDays !== undefined ? [ExpirationInDays] : [],
  );
  return days.length === 0 ? undefined : Math.min(...days);
}

const bucket: Provider = async (_logicalId, properties, context) => {
  const read = readProperties(bucketProperties, properties, context);
  const name = read.BucketName ?? physicalName(context.address, { maxLength: 63, lowercase: true });
  await context.services.s3.createBucket(name, {
    lifecycleDays: lifecycleDays(read),
    corsRules: read.CorsConfiguration?.CorsRules,
  });
  return { ref: name, attributes: bucketAttributes(name, context) };
};

export const storageProviders: Readonly<Record<string, Provider>> = {
  'AWS::DynamoDB::Table': table,
  'AWS::DynamoDB::GlobalTable': table,
  'AWS::S3::Bucket': bucket,
};
