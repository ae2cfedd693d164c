/** What user code finds in the global object. Must never take what it has put there itself. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { globals, Object, process } from './globals.mjs';
import { directory } from './surroundings.mjs';
import { encoded } from './values.mjs';

const { cache } = createRequire(import.meta.url);

/** For as long as the process lives; `result` shows a value, `sendResult` forms that are made. */
export function provideGlobals({ result, sendResult }) {
  process.argv = process.argv.slice(0, 1);
  process.execArgv = [];
  const display = (value, options) => result(value, { ...options, main: false });
  for (const [name, mime] of Object.entries({
    html: 'text/html',
    markdown: 'text/markdown',
    latex: 'text/latex',
    svg: 'image/svg+xml',
    png: 'image/png',
    jpeg: 'image/jpeg',
    json: 'application/json',
  }))
    display[name] = (value, options) =>
      sendResult(encoded({ [mime]: value }), { ...options, main: false });
  const module = { exports: {} };
  for (const [name, value] of Object.entries({ display, module, exports: module.exports }))
    Object.defineProperty(globals, name, { value, writable: true, configurable: true });
}

let requireOf = '';

/** As from a file in the working directory. */
export function provideRequire() {
  const cwd = directory();
  if (cwd === undefined) return;
  const from = join(cwd, 'cell.js');
  if (from === requireOf) return;
  requireOf = from;
  const value = createRequire(from);
  value.main = globals.module;
  Object.defineProperty(globals, 'require', { value, writable: true, configurable: true });
}

let last;

/** Of the last cell with a value; code may have another use for the name. */
export function provideLast(value) {
  if (Object.hasOwn(globals, '_') && globals._ !== last) return;
  globals._ = value;
  last = value;
}

/** A module whose loading an interrupt has ended would be there for ever as far as it came. */
export function forgetCutModules() {
  for (const [path, { loaded }] of Object.entries(cache)) if (!loaded) delete cache[path];
}

/** A property that can be assigned, also where node has one that only answers. */
export function provideName(name) {
  const known = Object.getOwnPropertyDescriptor(globals, name);
  if (known && (known.writable || !known.configurable)) return;
  const descriptor = { value: undefined, writable: true, configurable: true, enumerable: true };
  Object.defineProperty(globals, name, descriptor);
}
