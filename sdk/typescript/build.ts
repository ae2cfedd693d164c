/**
 * Bundles the package into dist/index.js, contract and libraries inside, so that it installs alone.
 * `node sdk/typescript/build.ts [outfile]`
 */
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

await build({
  entryPoints: [here('src/index.ts')],
  outfile: process.argv[2] ?? here('dist/index.js'),
  bundle: true,
  format: 'esm',
  platform: 'neutral',
  mainFields: ['module', 'main'],
  target: 'es2022',
  sourcemap: true,
});
