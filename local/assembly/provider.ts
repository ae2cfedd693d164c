/**
 * What a provider is: it stands one kind of CloudFormation resource up and says what `Ref` and `Fn::GetAtt` give.
 * Providers get resolved properties; they check those with a schema and call an injected service.
 */
import type { z } from 'zod';
import { AssemblyError } from './errors.ts';
import type { ResourceAddress } from './naming.ts';
import type { AwsServices } from './services.ts';

export interface ProviderContext {
  readonly address: ResourceAddress;
  readonly type: string;
  readonly region: string;
  readonly accountId: string;
  readonly services: AwsServices;
  /** File or directory of a file asset. */
  fileAsset(bucket: string, key: string): string;
  /** Docker context of an image asset. */
  imageAsset(imageUri: string): string;
  /** `arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE`. */
  arn(service: string, resource: string): string;
}

export interface ProvidedResource {
  readonly ref: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}

export type Properties = Readonly<Record<string, unknown>>;

export type Provider = (
  logicalId: string,
  properties: Properties,
  context: ProviderContext,
) => Promise<ProvidedResource>;

/** Reads properties by schema; a mismatch names the resource and the property. */
export function readProperties<T>(
  schema: z.ZodType<T>,
  properties: Properties,
  { address, type }: Pick<ProviderContext, 'address' | 'type'>,
): T {
  const parsed = schema.safeParse(properties);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues
    .map((issue) => `${issue.path.join('.')}: ${issue.message}`)
    .join('; ');
  throw new AssemblyError(
    `${address.stackName}/${address.logicalId} (${type}) has properties that the stand-in does not take: ${problems}`,
  );
}
