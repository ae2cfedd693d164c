/**
 * Bundles the package into dist/index.js, contract and libraries inside, so that it installs alone,
 * with its type declarations beside it. `node sdk/typescript/build.ts [outfile]`
 */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { writeDeclarations } from './declarations.ts';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const outfile = process.argv[2] ?? here('dist/index.js');

await build({
  entryPoints: [here('src/index.ts')],
  outfile,
  bundle: true,
  format: 'esm',
  platform: 'neutral',
  mainFields: ['module', 'main'],
  target: 'es2022',
  sourcemap: true,
});
await writeDeclarations(dirname(outfile));
