/** Says whose runtimes the sandboxes of the present build will have: for `npm start` and `npm run doctor`. */
import { join } from 'node:path';
import { findRuntimes, type ImageChoice } from '../sandboxes/built-image.ts';
import { readImage } from '../sandboxes/image.ts';
import { HOST_ARCHITECTURE } from '../shared/architecture.ts';
import { DIST, IMAGE_PLACES } from './build/paths.ts';

/** The docker context of this machine's architecture. */
export const CONTEXT = join(DIST, 'image', HOST_ARCHITECTURE);

export async function describeRuntimes(choice: ImageChoice): Promise<string> {
  const image = await readImage(CONTEXT).catch(() => undefined);
  return (await findRuntimes({ choice, places: IMAGE_PLACES }, image?.digest)).says;
}
