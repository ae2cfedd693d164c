/**
 * Templates as `cdk synth` makes them, from a build of empty bundles: what is in a bundle is nothing
 * to a template. Each profile is synthesized once for all test files, and again only after a change.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FUNCTION_NAMES } from '../../lib/functions/names.ts';
import { withLock } from '../../local/cli/build/lock.ts';
import { DIST } from '../../local/cli/build/paths.ts';
import { synthesize } from '../../local/cli/synth.ts';

const FOLDER = join(DIST, 'test-infra');
const EMPTY_BUILD = join(FOLDER, 'build');

/** Each stands for a way to deploy. */
export const DEPLOYMENTS = {
  dev: { profile: 'dev' },
  prod: { profile: 'prod' },
  internet: { profile: 'dev', internet: true, alarmEmail: 'ops@example.com', monthlyBudgetUsd: 50 },
  arm64: { profile: 'dev', architecture: 'arm64' },
  local: { profile: 'local' },
} as const;
export type DeploymentName = keyof typeof DEPLOYMENTS;
export const DEPLOYMENT_NAMES = Object.keys(DEPLOYMENTS) as DeploymentName[];

export interface Resource {
  readonly Type: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- a test reads whatever shape the type has
  readonly Properties: Record<string, any>;
  readonly DeletionPolicy?: string;
}
export interface Template {
  readonly Resources: Record<string, Resource>;
  readonly Outputs?: Record<string, { Value: unknown }>;
}
export interface Assembly {
  readonly folder: string;
  readonly data: Template;
  readonly service: Template;
}

async function emptyBuild(): Promise<string> {
  const files = [
    ...FUNCTION_NAMES.map((name) => `functions/${name}/index.cjs`),
    'image/x86_64/Dockerfile',
    'image/arm64/Dockerfile',
  ];
  await withLock(join(FOLDER, 'build.lock'), async () => {
    for (const file of files) {
      const path = join(EMPTY_BUILD, file);
      await mkdir(dirname(path), { recursive: true });
      // Contents differ, so that no two assets are one. Written once: a file that is written anew
      // would be a change to whoever synthesizes meanwhile.
      const content = `${file}\n`;
      const present = await readFile(path, 'utf8').catch(() => undefined);
      if (present !== content) await writeFile(path, content);
    }
  });
  return EMPTY_BUILD;
}

export const readTemplate = async (folder: string, stack: string): Promise<Template> =>
  JSON.parse(await readFile(join(folder, `${stack}.template.json`), 'utf8')) as Template;

export async function assemblyOf(
  name: DeploymentName,
  log: (line: string) => void = () => {},
): Promise<Assembly> {
  const folder = join(FOLDER, name);
  const context = { ...DEPLOYMENTS[name], dist: await emptyBuild() };
  // One at a time: each takes a core, and all of them at once would take minutes each.
  await withLock(join(FOLDER, 'synthesis.lock'), () =>
    synthesize({ outDirectory: folder, context, log }),
  );
  const [data, service] = await Promise.all([
    readTemplate(folder, 'Data'),
    readTemplate(folder, 'Service'),
  ]);
  return { folder, data, service };
}

/** Logical id → properties. */
export function ofType(template: Template, type: string): Map<string, Resource['Properties']> {
  return new Map(
    Object.entries(template.Resources)
      .filter(([, resource]) => resource.Type === type)
      .map(([id, { Properties }]) => [id, Properties]),
  );
}

/** The one resource of a type whose logical id begins so. */
export function oneOf(template: Template, type: string, id: string): Resource['Properties'] {
  const found = [...ofType(template, type)].filter(([name]) => name.startsWith(id));
  if (found.length !== 1) throw new Error(`${found.length} of ${type} begin with ${id}`);
  return found[0]![1];
}
