/**
 * Node's own TypeScript parser, as often as it takes. It is WebAssembly: where an interrupt or a trap
 * ends it in the middle of its work, whatever is asked of that instance afterwards fails. Must never
 * use an instance again that has not come to an end.
 */
import { createRequire } from 'node:module';
import { compileFunction } from 'node:vm';
import { process, RangeError, Set } from '../javascript/globals.mjs';

const require = createRequire(import.meta.url);
const NAME = 'internal/deps/amaro/dist/index';
const FILENAME = 'cell';
/** What it throws of code, and not of itself. */
const REFUSALS = new Set(['InvalidSyntax', 'UnsupportedSyntax']);

// Node's own copy at first, which comes compiled: the flag --expose-internals lets it be loaded.
let idle = require(NAME);

/**
 * @param {'strip-only' | 'transform'} mode
 * @returns {string} the code without its types
 * @throws {{code: string, message: string, filename: string, startLine: number, snippet: string}} of `REFUSALS`
 * @throws {RangeError} where the parser itself failed
 */
export function transform(code, mode) {
  const parser = idle ?? load();
  // An interrupt ends this function without a word: what is not given back is not used again.
  idle = undefined;
  try {
    const { code: text } = parser.transformSync(code, { mode, filename: FILENAME });
    idle = parser;
    return text;
  } catch (error) {
    if (!REFUSALS.has(error?.code))
      throw new RangeError('the TypeScript parser gave up: the code may be nested too deeply');
    idle = parser;
    throw error;
  }
}

function load() {
  const module = { exports: {} };
  const source = process.binding('natives')[NAME];
  compileFunction(source, ['module', 'exports', 'require'])(module, module.exports, require);
  return module.exports;
}
