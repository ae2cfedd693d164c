/**
 * Stands every resource of a cloud assembly up, stack by stack and in dependency order, and answers the model.
 * A resource type that no provider knows stops the start: nothing is left out silently.
 */
import { type CloudAssembly, readCloudAssembly, type StackArtifact } from './cloud-assembly.ts';
import { inDependencyOrder } from './dependency-order.ts';
import { createDeployment, type DeployedResource, type Deployment } from './deployment.ts';
import { AssemblyError } from './errors.ts';
import { deployFunctions, type EnvironmentOverrides } from './functions.ts';
import { resolve } from './intrinsics.ts';
import type { ProvidedResource, Provider, ProviderContext } from './provider.ts';
import { providers } from './providers/index.ts';
import { referencesOf } from './references.ts';
import type { AwsServices } from './services.ts';
import { createStackScope, type DeployEnvironment } from './stack-scope.ts';
import type { TemplateResource } from './template.ts';

export interface DeployOptions {
  /** The synthesized `cdk.out`. */
  readonly directory: string;
  readonly services: AwsServices;
  readonly region?: string;
  readonly environmentOverrides?: EnvironmentOverrides;
}

interface StackRun {
  readonly stack: StackArtifact;
  readonly assembly: CloudAssembly;
  readonly environment: DeployEnvironment;
  readonly services: AwsServices;
  readonly exports: Map<string, string>;
}

function fileAsset({ files }: CloudAssembly, address: string): string {
  const path = files.get(address);
  if (path !== undefined) return path;
  throw new AssemblyError(`the assembly holds no file asset for s3://${address}`);
}

/** A template names an image by registry host, repository and tag; the assembly knows the last two. */
function imageAsset({ images }: CloudAssembly, imageUri: string): string {
  const path = images.get(imageUri.slice(imageUri.indexOf('/') + 1));
  if (path !== undefined) return path;
  throw new AssemblyError(
    `the assembly holds no image asset for ${imageUri}: images from a registry have no stand-in`,
  );
}

function providerOf(stackName: string, logicalId: string, type: string): Provider {
  const provider = providers.get(type);
  if (provider !== undefined) return provider;
  throw new AssemblyError(
    `${stackName}/${logicalId}: the resource type ${type} has neither a provider nor a place on the list of inert types`,
  );
}

function contextOf(run: StackRun, logicalId: string, type: string): ProviderContext {
  const { accountId, region } = run.environment;
  return {
    address: { stackName: run.stack.stackName, logicalId },
    type,
    accountId,
    region,
    services: run.services,
    fileAsset: (bucket, key) => fileAsset(run.assembly, `${bucket}/${key}`),
    imageAsset: (uri) => imageAsset(run.assembly, uri),
    arn: (service, resource) => `arn:aws:${service}:${region}:${accountId}:${resource}`,
  };
}

async function deployStack(run: StackRun): Promise<{
  resources: DeployedResource[];
  outputs: Record<string, string>;
}> {
  const { stack } = run;
  const provided = new Map<string, ProvidedResource>();
  const scope = createStackScope({ ...run, provided });
  const wanted = new Map<string, TemplateResource>();
  for (const [logicalId, resource] of Object.entries(stack.template.Resources)) {
    if (resource.Condition === undefined || scope.condition(resource.Condition))
      wanted.set(logicalId, resource);
  }
  // All types are looked up before the first resource stands, so that a gap is known at once.
  for (const [logicalId, { Type }] of wanted) providerOf(stack.stackName, logicalId, Type);
  const references = new Map([...wanted].map(([id, resource]) => [id, referencesOf(resource)]));
  const order = inDependencyOrder([...wanted.keys()], (id) => references.get(id) ?? []);
  const resources: DeployedResource[] = [];
  for (const logicalId of order) {
    const resource = wanted.get(logicalId);
    if (resource === undefined) continue;
    const { Type: type, Properties } = resource;
    const properties = resolve(Properties, scope) as Record<string, unknown>;
    const provide = providerOf(stack.stackName, logicalId, type);
    const result = await provide(logicalId, properties, contextOf(run, logicalId, type));
    provided.set(logicalId, result);
    const constructPath = stack.constructPaths.get(logicalId);
    resources.push({
      stackName: stack.stackName,
      logicalId,
      constructPath,
      type,
      properties,
      ...result,
    });
  }
  const outputs: Record<string, string> = {};
  for (const [name, output] of Object.entries(stack.template.Outputs)) {
    if (output.Condition !== undefined && !scope.condition(output.Condition)) continue;
    const value = String(resolve(output.Value, scope));
    outputs[name] = value;
    if (output.Export !== undefined)
      run.exports.set(String(resolve(output.Export.Name, scope)), value);
  }
  return { resources, outputs };
}

export async function deployAssembly(options: DeployOptions): Promise<Deployment> {
  const { services, environmentOverrides = {}, region = 'us-east-1' } = options;
  const environment = { accountId: '000000000000', region };
  const assembly = await readCloudAssembly(options.directory, environment);
  const exports = new Map<string, string>();
  const resources: DeployedResource[] = [];
  const outputs = new Map<string, Record<string, string>>();
  for (const stack of assembly.stacks) {
    const deployed = await deployStack({ stack, assembly, environment, services, exports });
    resources.push(...deployed.resources);
    outputs.set(stack.stackName, deployed.outputs);
  }
  const functions = deployFunctions({ resources, assembly, services, environmentOverrides });
  return createDeployment({ ...environment, resources, functions, outputs });
}
