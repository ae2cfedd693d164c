/**
 * Reads a CDK cloud assembly from disk: its stacks in deployment order and where each asset lies.
 * It never resolves a template expression and never changes the assembly.
 */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { inDependencyOrder } from './dependency-order.ts';
import { AssemblyError } from './errors.ts';
import { type Template, templateSchema } from './template.ts';

export interface StackArtifact {
  readonly stackName: string;
  readonly template: Template;
  /** Logical id → construct path such as `Ci-service/Executions/Resource`. */
  readonly constructPaths: ReadonlyMap<string, string>;
  readonly parameters: Readonly<Record<string, string>>;
}

export interface CloudAssembly {
  readonly directory: string;
  /** A stack comes after every stack that it depends on. */
  readonly stacks: readonly StackArtifact[];
  /** `bucket/key` as the template will resolve it → file or directory. */
  readonly files: ReadonlyMap<string, string>;
  /** `repository:tag` → docker context directory. */
  readonly images: ReadonlyMap<string, string>;
}

const artifactSchema = z.object({
  type: z.string(),
  properties: z.record(z.string(), z.unknown()).default({}),
  dependencies: z.array(z.string()).default([]),
  additionalMetadataFile: z.string().optional(),
  metadata: z
    .record(z.string(), z.array(z.object({ type: z.string(), data: z.unknown() })))
    .default({}),
});

const manifestSchema = z.object({ artifacts: z.record(z.string(), artifactSchema).default({}) });

const stackPropertiesSchema = z.object({
  templateFile: z.string(),
  stackName: z.string().optional(),
  parameters: z.record(z.string(), z.string()).default({}),
});

const metadataSchema = z.record(
  z.string(),
  z.array(z.object({ type: z.string(), data: z.unknown() })),
);

const assetManifestSchema = z.object({
  files: z
    .record(
      z.string(),
      z.object({
        source: z.object({ path: z.string().optional() }),
        destinations: z.record(
          z.string(),
          z.object({ bucketName: z.string(), objectKey: z.string() }),
        ),
      }),
    )
    .default({}),
  dockerImages: z
    .record(
      z.string(),
      z.object({
        source: z.object({ directory: z.string().optional() }),
        destinations: z.record(
          z.string(),
          z.object({ repositoryName: z.string(), imageTag: z.string() }),
        ),
      }),
    )
    .default({}),
});

type Artifact = z.output<typeof artifactSchema>;
type Metadata = z.output<typeof metadataSchema>;

async function readJson<T>(schema: z.ZodType<T>, file: string): Promise<T> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new AssemblyError(`cannot read ${file}: run "cdk synth" first`, { cause });
  }
  const parsed = schema.safeParse(JSON.parse(text));
  if (!parsed.success)
    throw new AssemblyError(
      `${file} is not a cloud assembly file: ${z.prettifyError(parsed.error)}`,
    );
  return parsed.data;
}

function constructPathsOf(metadata: Metadata): Map<string, string> {
  const paths = new Map<string, string>();
  for (const [path, entries] of Object.entries(metadata)) {
    for (const { type, data } of entries) {
      if (type === 'aws:cdk:logicalId' && typeof data === 'string')
        paths.set(data, path.replace(/^\//, ''));
    }
  }
  return paths;
}

async function readStack(
  directory: string,
  id: string,
  artifact: Artifact,
): Promise<StackArtifact> {
  const properties = stackPropertiesSchema.parse(artifact.properties);
  const metadata = artifact.additionalMetadataFile
    ? await readJson(metadataSchema, join(directory, artifact.additionalMetadataFile))
    : artifact.metadata;
  return {
    stackName: properties.stackName ?? id,
    template: await readJson(templateSchema, join(directory, properties.templateFile)),
    constructPaths: constructPathsOf(metadata),
    parameters: properties.parameters,
  };
}

/** Asset manifests are written before account and Region are known: both stand as placeholders. */
function fillPlaceholders(
  text: string,
  environment: { accountId: string; region: string },
): string {
  return text
    .replaceAll('${AWS::AccountId}', environment.accountId)
    .replaceAll('${AWS::Region}', environment.region)
    .replaceAll('${AWS::Partition}', 'aws');
}

export async function readCloudAssembly(
  directory: string,
  environment: { accountId: string; region: string },
): Promise<CloudAssembly> {
  const manifest = await readJson(manifestSchema, join(directory, 'manifest.json'));
  const stackArtifacts = new Map<string, Artifact>();
  const files = new Map<string, string>();
  const images = new Map<string, string>();
  for (const [id, artifact] of Object.entries(manifest.artifacts)) {
    if (artifact.type === 'cdk:cloud-assembly')
      throw new AssemblyError(
        `${id} is a nested assembly (a Stage): only top-level stacks are read`,
      );
    if (artifact.type === 'aws:cloudformation:stack') stackArtifacts.set(id, artifact);
    if (artifact.type !== 'cdk:asset-manifest') continue;
    const file = z.object({ file: z.string() }).parse(artifact.properties).file;
    const assets = await readJson(assetManifestSchema, join(directory, file));
    for (const { source, destinations } of Object.values(assets.files)) {
      for (const { bucketName, objectKey } of Object.values(destinations)) {
        const address = fillPlaceholders(`${bucketName}/${objectKey}`, environment);
        if (source.path !== undefined) files.set(address, resolve(directory, source.path));
      }
    }
    for (const { source, destinations } of Object.values(assets.dockerImages)) {
      for (const { repositoryName, imageTag } of Object.values(destinations)) {
        const address = fillPlaceholders(`${repositoryName}:${imageTag}`, environment);
        if (source.directory !== undefined)
          images.set(address, resolve(directory, source.directory));
      }
    }
  }
  const order = inDependencyOrder(
    [...stackArtifacts.keys()],
    (id) => stackArtifacts.get(id)?.dependencies ?? [],
  );
  const stacks: StackArtifact[] = [];
  for (const id of order) {
    const artifact = stackArtifacts.get(id);
    if (artifact !== undefined) stacks.push(await readStack(directory, id, artifact));
  }
  return { directory: resolve(directory), stacks, files, images };
}
