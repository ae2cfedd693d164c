/** Where the parts of the repository lie, for whoever builds or synthesizes them. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OPEN_IMAGE_PLACE } from '../../sandboxes/built-image.ts';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
export const DIST = join(ROOT, 'dist');
export const STAMPS = join(DIST, '.stamps');
/** Where unpacked images are looked for. */
export const IMAGE_PLACES = [join(ROOT, '.local/image'), OPEN_IMAGE_PLACE] as const;
