/**
 * The bundles: functions, agent, SDK, each by one call of esbuild, which takes a second where one
 * call for each function would take seven. Must never run any of what it bundles.
 */

import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuildOptions, Plugin } from 'esbuild';
import { DIST, ROOT } from './paths.ts';
import type { Target } from './target.ts';

/** CommonJS packages inside an ES module ask for `require`. */
const REQUIRE =
  "import { createRequire as requireOfBundle } from 'node:module'; const require = requireOfBundle(import.meta.url);";

const ON_NODE = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  mainFields: ['module', 'main'],
  banner: { js: REQUIRE },
  legalComments: 'none',
  logLevel: 'silent',
  metafile: true,
} as const satisfies BuildOptions;

/**
 * ElectroDB holds each model against a JSON schema when it is constructed: 75 ms of every cold start, for models that
 * are constants and that each test of a store checks. It also asks so whether something is a model or an entity.
 */
const UNCHECKED = `
class Validator {
  addSchema() {}
  validate(instance) { return { errors: instance?._instance === undefined ? [] : [{}] }; }
}
Validator.prototype.customFormats = {};
exports.Validator = Validator;`;
const models: Plugin = {
  name: 'models are checked by the tests',
  setup: (build) => {
    build.onResolve({ filter: /^jsonschema$/ }, ({ path }) => ({ path, namespace: 'unchecked' }));
    build.onLoad({ filter: /.*/, namespace: 'unchecked' }, () => ({
      contents: UNCHECKED,
    }));
  },
};

/** CommonJS: an ES module that imports `node:http` reads all its exports, and with them loads undici, 80 ms. */
const FOR_LAMBDA = { format: 'cjs', banner: {}, plugins: [models] } as const satisfies BuildOptions;

async function bundle(options: BuildOptions & { metafile: true }): Promise<string> {
  const { build, formatMessages } = await import('esbuild');
  const result = await build({ absWorkingDir: ROOT, ...options }).catch(
    async (error: { errors?: Parameters<typeof formatMessages>[0] }) => {
      if (error.errors === undefined) throw error;
      throw new Error((await formatMessages(error.errors, { kind: 'error' })).join('\n'));
    },
  );
  const scripts = Object.entries(result.metafile.outputs).filter(([path]) =>
    /\.[mc]?js$/.test(path),
  );
  const bytes = scripts.reduce((sum, [, output]) => sum + output.bytes, 0);
  return `${scripts.length} bundle${scripts.length === 1 ? '' : 's'}, ${Math.round(bytes / 1024)} KB`;
}

/** Every folder of `lambdas/` is a function, except the one they share. */
async function functionNames(): Promise<string[]> {
  const folder = join(ROOT, 'lambdas');
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries
    .filter((entry) => entry.isDirectory() && entry.name !== 'shared')
    .map(({ name }) => name);
  const handlers = await Promise.all(
    names.map((name) => stat(join(folder, name, 'handler.ts')).catch(() => undefined)),
  );
  const missing = names.filter((_, index) => handlers[index] === undefined);
  if (missing.length > 0)
    throw new Error(`no handler.ts in ${missing.map((name) => `lambdas/${name}`).join(', ')}`);
  return names;
}

export async function functionsTarget(): Promise<Target> {
  const names = await functionNames();
  const outdir = join(DIST, 'functions');
  return {
    name: 'functions',
    inputs: ['lambdas', 'core', 'adapters', 'contract'],
    outputs: names.map((name) => join(outdir, name, 'index.cjs')),
    make: async () => {
      await rm(outdir, { recursive: true, force: true });
      return bundle({
        ...ON_NODE,
        ...FOR_LAMBDA,
        entryPoints: Object.fromEntries(
          names.map((name) => [`${name}/index`, `lambdas/${name}/handler.ts`]),
        ),
        outdir,
        outExtension: { '.js': '.cjs' },
        minify: true,
        sourcemap: 'linked',
        sourcesContent: false,
      });
    },
  };
}

export const agentTarget: Target = {
  name: 'agent',
  inputs: ['containers/agent', 'contract'],
  outputs: [join(DIST, 'agent/agent.mjs')],
  make: () =>
    bundle({
      ...ON_NODE,
      entryPoints: ['containers/agent/main.ts'],
      outfile: join(DIST, 'agent/agent.mjs'),
      minifySyntax: true,
    }),
};

const SDK = 'sdk/typescript';

export const sdkTarget: Target = {
  name: 'sdk',
  inputs: [`${SDK}/src`, `${SDK}/package.json`, 'contract'],
  outputs: [join(ROOT, SDK, 'dist/index.js')],
  make: () =>
    bundle({
      entryPoints: [`${SDK}/src/index.ts`],
      outfile: join(ROOT, SDK, 'dist/index.js'),
      bundle: true,
      format: 'esm',
      platform: 'neutral',
      target: 'es2022',
      mainFields: ['module', 'main'],
      sourcemap: 'linked',
      legalComments: 'none',
      logLevel: 'silent',
      metafile: true,
    }),
};
