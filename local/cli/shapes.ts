/**
 * The shapes that the agent's tests run on: this machine's runtimes, the root of the built image, and a container
 * of Fargate's shape, as the synthesized task definition describes it. Says why one cannot be had.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { findBuilt } from '../sandboxes/built-image.ts';
import { readImage } from '../sandboxes/image.ts';
import { DIST, IMAGE_PLACES } from './build/paths.ts';
import type { Log } from './build/target.ts';
import { CONTEXT } from './runtimes.ts';
import { ensureHost } from './setup.ts';
import { synthesize } from './synth.ts';

export const SHAPES = ['host', 'image', 'container'] as const;
export type Shape = (typeof SHAPES)[number];

const RUNC = { runc: ['/usr/sbin/runc', '/usr/bin/runc'] };

const Template = z.object({
  Resources: z.record(
    z.string(),
    z.object({ Type: z.string(), Properties: z.optional(z.unknown()) }),
  ),
});
const TaskDefinition = z.object({
  Cpu: z.coerce.number(),
  Memory: z.coerce.number(),
  ContainerDefinitions: z.array(z.record(z.string(), z.unknown())).check(z.minLength(1)),
});

export interface ShapeOptions {
  readonly shape: Shape;
  /** Takes the file that the tests read. */
  readonly directory: string;
  readonly allowSetup: boolean;
  readonly log: Log;
}

/** This machine cannot take on a shape; the message says what to do. */
export class ShapeError extends Error {
  override readonly name = 'ShapeError';
}

/** Answers the file that tells the tests which shape theirs is. */
export async function prepareShape(options: ShapeOptions): Promise<string> {
  const { shape, directory } = options;
  const file = join(directory, `${shape}.json`);
  await writeFile(file, JSON.stringify({ shape, ...(await factsOf(options)) }));
  return file;
}

async function factsOf({ shape, allowSetup, log }: ShapeOptions): Promise<object> {
  if (shape === 'host') return {};
  if (process.getuid?.() !== 0) throw new ShapeError('needs root');
  const { digest = '' } = await readImage(CONTEXT);
  const built = await findBuilt(IMAGE_PLACES, digest);
  if (built === undefined) throw new ShapeError('no image of this build is there: npm run image');
  const facts = { root: built.root, context: CONTEXT };
  if (shape === 'image') return facts;
  if (!(await ensureHost({ allow: allowSetup, log, packages: RUNC }))) {
    throw new ShapeError('needs runc');
  }
  return { ...facts, ...(await containerOfTemplate(log)) };
}

async function containerOfTemplate(log: Log): Promise<object> {
  const assembly = join(DIST, 'shapes/cdk.out');
  await synthesize({ outDirectory: assembly, context: { profile: 'dev' }, log, validate: false });
  for (const name of await readdir(assembly)) {
    if (!name.endsWith('.template.json')) continue;
    const template = Template.parse(JSON.parse(await readFile(join(assembly, name), 'utf8')));
    const found = Object.values(template.Resources).find(
      ({ Type }) => Type === 'AWS::ECS::TaskDefinition',
    );
    if (found === undefined) continue;
    const { Cpu, Memory, ContainerDefinitions } = TaskDefinition.parse(found.Properties);
    return { cpu: Cpu, memoryMb: Memory, container: ContainerDefinitions[0] };
  }
  throw new ShapeError('the template has no task definition');
}
