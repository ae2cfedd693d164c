/** Where the parts of the repository lie, for whoever builds or synthesizes them. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
export const DIST = join(ROOT, 'dist');
export const STAMPS = join(DIST, '.stamps');
