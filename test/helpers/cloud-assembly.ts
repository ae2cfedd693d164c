/**
 * Writes small cloud assemblies by hand into a temporary folder: manifest, templates, asset manifests and assets,
 * in the form in which the CDK writes them.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface StackFixture {
  readonly template: Readonly<Record<string, unknown>>;
  readonly dependencies?: readonly string[];
  /** Asset hash → files of a function's bundle. */
  readonly bundles?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Asset hashes of docker contexts. */
  readonly images?: readonly string[];
}

export interface AssemblyFixture extends AsyncDisposable {
  readonly directory: string;
}

const place = '${AWS::AccountId}-${AWS::Region}';

/** `Code` of a function whose bundle has this hash. */
export function codeOf(hash: string): object {
  return { S3Bucket: { 'Fn::Sub': `cdk-hnb659fds-assets-${place}` }, S3Key: `${hash}.zip` };
}

/** `Image` of a container whose docker context has this hash. */
export function imageOf(hash: string): object {
  const repository = `cdk-hnb659fds-container-assets-${place}`;
  return {
    'Fn::Sub': `\${AWS::AccountId}.dkr.ecr.\${AWS::Region}.\${AWS::URLSuffix}/${repository}:${hash}`,
  };
}

/** A role that the service may assume, with the right to do these things: `action resource`. */
export function roleOf(service: string, ...rights: readonly [action: string, resource: unknown][]) {
  const statements = rights.map(([Action, Resource]) => ({ Effect: 'Allow', Action, Resource }));
  return {
    Type: 'AWS::IAM::Role',
    Properties: {
      AssumeRolePolicyDocument: {
        Statement: [
          {
            Effect: 'Allow',
            Action: 'sts:AssumeRole',
            Principal: { Service: `${service}.amazonaws.com` },
          },
        ],
      },
      Policies: [{ PolicyName: 'grants', PolicyDocument: { Statement: statements } }],
    },
  };
}

/** Lets a service call a function. */
export const permissionOf = (service: string, logicalId: string) => ({
  Type: 'AWS::Lambda::Permission',
  Properties: {
    Action: 'lambda:InvokeFunction',
    FunctionName: { 'Fn::GetAtt': [logicalId, 'Arn'] },
    Principal: `${service}.amazonaws.com`,
  },
});

async function writeStack(directory: string, name: string, stack: StackFixture): Promise<void> {
  const files: Record<string, object> = {};
  for (const [hash, bundle] of Object.entries(stack.bundles ?? {})) {
    await mkdir(join(directory, `asset.${hash}`), { recursive: true });
    for (const [file, text] of Object.entries(bundle))
      await writeFile(join(directory, `asset.${hash}`, file), text);
    const bucketName = `cdk-hnb659fds-assets-${place}`;
    files[hash] = {
      source: { path: `asset.${hash}`, packaging: 'zip' },
      destinations: { here: { bucketName, objectKey: `${hash}.zip` } },
    };
  }
  const dockerImages: Record<string, object> = {};
  for (const hash of stack.images ?? []) {
    await mkdir(join(directory, `asset.${hash}`), { recursive: true });
    const repositoryName = `cdk-hnb659fds-container-assets-${place}`;
    dockerImages[hash] = {
      source: { directory: `asset.${hash}` },
      destinations: { here: { repositoryName, imageTag: hash } },
    };
  }
  const json = (file: string, value: object) =>
    writeFile(join(directory, file), JSON.stringify(value));
  await json(`${name}.template.json`, stack.template);
  await json(`${name}.assets.json`, { version: '55.0.0', files, dockerImages });
  const paths = Object.keys(stack.template['Resources'] ?? {}).map((id) => [
    `/${name}/${id.replace(/[0-9A-F]{8}$/, '')}/Resource`,
    [{ type: 'aws:cdk:logicalId', data: id }],
  ]);
  await json(`${name}.metadata.json`, Object.fromEntries(paths));
}

export async function writeAssembly(
  stacks: Readonly<Record<string, StackFixture>>,
): Promise<AssemblyFixture> {
  const directory = await mkdtemp(join(tmpdir(), 'assembly-'));
  const artifacts: Record<string, object> = {
    Tree: { type: 'cdk:tree', properties: { file: 'tree.json' } },
  };
  for (const [name, stack] of Object.entries(stacks)) {
    await writeStack(directory, name, stack);
    artifacts[`${name}.assets`] = {
      type: 'cdk:asset-manifest',
      properties: { file: `${name}.assets.json` },
    };
    artifacts[name] = {
      type: 'aws:cloudformation:stack',
      properties: { templateFile: `${name}.template.json` },
      dependencies: [...(stack.dependencies ?? []), `${name}.assets`],
      additionalMetadataFile: `${name}.metadata.json`,
    };
  }
  await writeFile(
    join(directory, 'manifest.json'),
    JSON.stringify({ version: '55.0.0', artifacts }),
  );
  return {
    directory,
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}
