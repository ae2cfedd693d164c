/**
 * Creates the Lambda functions of a deployed model, last of all, because a function's asynchronous settings are
 * resources of their own that refer to it. Also applies the environment overrides by which a test shortens times.
 */
import { z } from 'zod';
import type { FunctionDefinition } from '../services/lambda/types.ts';
import type { CloudAssembly } from './cloud-assembly.ts';
import { connectionEndpoints } from './connection-endpoints.ts';
import type { DeployedFunction, DeployedResource } from './deployment.ts';
import { AssemblyError } from './errors.ts';
import { readProperties } from './provider.ts';
import type { AwsServices } from './services.ts';

/**
 * Function (name with or without its stack's, logical id, construct id or path, a beginning of these, or `*`) → variable → value.
 * A variable reaches the matched functions that the template gives it to; one that none has is an error.
 */
export type EnvironmentOverrides = Readonly<Record<string, Readonly<Record<string, string>>>>;

const functionProperties = z.object({
  Code: z.object({ S3Bucket: z.string(), S3Key: z.string() }),
  Handler: z.string(),
  Runtime: z.string().startsWith('nodejs', 'only Node.js functions run on this machine'),
  Timeout: z.coerce.number().default(3),
  MemorySize: z.coerce.number().default(128),
  Role: z.string().optional(),
  ReservedConcurrentExecutions: z.coerce.number().optional(),
  Environment: z
    .object({ Variables: z.record(z.string(), z.coerce.string()).default({}) })
    .default({ Variables: {} }),
});

const eventInvokeProperties = z.object({
  FunctionName: z.string(),
  MaximumRetryAttempts: z.coerce.number().optional(),
  MaximumEventAgeInSeconds: z.coerce.number().optional(),
  DestinationConfig: z
    .object({ OnFailure: z.object({ Destination: z.string() }).optional() })
    .optional(),
});

type AsyncSettings = Pick<
  FunctionDefinition,
  'onFailure' | 'maximumRetryAttempts' | 'maximumEventAgeSeconds'
>;

function addressOf(resource: DeployedResource) {
  return { address: resource, type: resource.type };
}

function asyncSettings(resources: readonly DeployedResource[]): Map<string, AsyncSettings> {
  const settings = new Map<string, AsyncSettings>();
  for (const resource of resources) {
    if (resource.type !== 'AWS::Lambda::EventInvokeConfig') continue;
    const read = readProperties(eventInvokeProperties, resource.properties, addressOf(resource));
    const onFailure = read.DestinationConfig?.OnFailure?.Destination;
    settings.set(read.FunctionName.split(':').at(-1) ?? '', {
      ...(onFailure === undefined ? {} : { onFailure }),
      ...(read.MaximumRetryAttempts === undefined
        ? {}
        : { maximumRetryAttempts: read.MaximumRetryAttempts }),
      ...(read.MaximumEventAgeInSeconds === undefined
        ? {}
        : { maximumEventAgeSeconds: read.MaximumEventAgeInSeconds }),
    });
  }
  return settings;
}

function isMeant(key: string, resource: DeployedResource): boolean {
  const named = [resource.ref, resource.ref.replace(`${resource.stackName}-`, '')];
  if (key === '*' || named.includes(key)) return true;
  const withinStack = resource.constructPath?.split('/').slice(1).join('/') ?? '';
  return [resource.logicalId, resource.constructPath ?? '', withinStack].some((name) =>
    name.startsWith(key),
  );
}

function applyOverrides(
  overrides: EnvironmentOverrides,
  environments: ReadonlyMap<DeployedResource, Record<string, string>>,
): void {
  for (const [key, variables] of Object.entries(overrides)) {
    const meant = [...environments].filter(([resource]) => isMeant(key, resource));
    if (meant.length === 0)
      throw new AssemblyError(`environment override: no function is called or begins with ${key}`);
    for (const [name, value] of Object.entries(variables)) {
      const defining = meant.filter(([, environment]) => name in environment);
      if (defining.length === 0)
        throw new AssemblyError(
          `environment override: the template gives ${name} to no function that ${key} means (${meant.map(([resource]) => resource.logicalId).join(', ')})`,
        );
      for (const [, environment] of defining) environment[name] = value;
    }
  }
}

export function deployFunctions(options: {
  resources: readonly DeployedResource[];
  assembly: CloudAssembly;
  services: AwsServices;
  environmentOverrides: EnvironmentOverrides;
}): DeployedFunction[] {
  const { resources, assembly, services, environmentOverrides } = options;
  const functions = resources.filter(({ type }) => type === 'AWS::Lambda::Function');
  const properties = new Map(
    functions.map((resource) => [
      resource,
      readProperties(functionProperties, resource.properties, addressOf(resource)),
    ]),
  );
  const localValue = connectionEndpoints(resources, services.awsEndpoint);
  const environments = new Map(
    [...properties].map(([resource, { Environment }]) => {
      const variables = Object.entries(Environment.Variables);
      return [resource, Object.fromEntries(variables.map(([k, value]) => [k, localValue(value)]))];
    }),
  );
  applyOverrides(environmentOverrides, environments);
  const settings = asyncSettings(resources);
  const deployed: DeployedFunction[] = [];
  for (const [resource, read] of properties) {
    const asset = `${read.Code.S3Bucket}/${read.Code.S3Key}`;
    const codeDirectory = assembly.files.get(asset);
    if (codeDirectory === undefined)
      throw new AssemblyError(
        `${resource.logicalId}: the assembly holds no code for s3://${asset}`,
      );
    const environment = environments.get(resource) ?? {};
    const functionName = resource.ref;
    services.lambda.createFunction({
      functionName,
      codeDirectory,
      handler: read.Handler,
      environment,
      timeoutSeconds: read.Timeout,
      memoryMb: read.MemorySize,
      credentials: services.issueCredentials(functionName),
      ...(read.ReservedConcurrentExecutions === undefined
        ? {}
        : { reservedConcurrency: read.ReservedConcurrentExecutions }),
      ...settings.get(functionName),
    });
    deployed.push({
      stackName: resource.stackName,
      logicalId: resource.logicalId,
      functionName,
      functionArn: String(resource.attributes['Arn']),
      roleArn: read.Role,
      environment,
    });
  }
  return deployed;
}
