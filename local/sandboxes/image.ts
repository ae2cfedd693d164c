/**
 * Reads image.json, which says what a task's file system holds, how it starts and in which environment.
 * It and the task definition are all that a driver knows of the product.
 */
import { readFile } from 'node:fs/promises';
import { isAbsolute, join, normalize } from 'node:path';
import { z } from 'zod';

const insidePath = z
  .string()
  .refine((path) => isAbsolute(path) && normalize(path) === path && path !== '/', {
    error: 'must be an absolute path without . or ..',
  });
const contextPath = z
  .string()
  .min(1)
  .refine((path) => !isAbsolute(path) && !path.split('/').includes('..'), {
    error: 'must stay inside the docker context',
  });

const ImageManifest = z.strictObject({
  version: z.literal(1),
  /** Of what the image is built from; an image built from the same has the same. */
  digest: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  binds: z.array(
    z.strictObject({
      from: contextPath,
      to: insidePath,
      /** A file that user code must not read: it is copied in, for root's eyes only. */
      rootOnly: z.boolean().default(false),
    }),
  ),
  entrypoint: z.array(z.string()).min(1),
  environment: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string()),
});
export type ImageManifest = z.output<typeof ImageManifest>;

export async function readImage(directory: string): Promise<ImageManifest> {
  const path = join(directory, 'image.json');
  const parsed = ImageManifest.safeParse(JSON.parse(await readFile(path, 'utf8')));
  if (!parsed.success) throw new Error(`${path}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
