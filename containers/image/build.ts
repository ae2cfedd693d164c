/** Fills the docker context of the sandbox image: a script of its own, because the build knows no container. */
import { parseArgs } from 'node:util';
import { buildImageContext } from './context.ts';

const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    agent: { type: 'string' },
    languages: { type: 'string' },
    node: { type: 'string' },
    cache: { type: 'string' },
  },
});

function required(name: 'out' | 'agent' | 'languages' | 'node'): string {
  const value = values[name];
  if (value) return value;
  throw new Error(`containers/image/build.ts: --${name} is required`);
}

await buildImageContext({
  outDirectory: required('out'),
  agentBundle: required('agent'),
  languagesDirectory: required('languages'),
  nodeBinary: required('node'),
  ...(values.cache === undefined ? {} : { cacheDirectory: values.cache }),
});
