/**
 * What could stand at a place in JavaScript, from the live values of a context. Must never run code of
 * the user's: no getter is called, and no proxy is asked.
 */
import { types } from 'node:util';
import { Array, ArrayBuffer, globals, Map, Object, Symbol } from './globals.mjs';

const MOST = 200;
const CHARS = 256;
/** What is looked at before the cursor: no name that is told is as long, and the pattern takes its square. */
const TAIL = 1_024;
/** Of what holds more own names, none is told. */
const OWN_NAMES = 10_000;
const DOTTED =
  /((?:[\p{ID_Start}$_][\p{ID_Continue}$]*\s*\??\.\s*)*)([\p{ID_Start}$_][\p{ID_Continue}$]*)?$/u;
const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;
const KEYWORDS =
  'async await break case catch class const continue debugger default delete do else export extends false finally for from function if import in instanceof let new null of return static super switch this throw true try typeof undefined var void while with yield'.split(
    ' ',
  );
const { getOwnPropertyDescriptor, getOwnPropertyDescriptors, getOwnPropertyNames, getPrototypeOf } =
  Object;
const UNKNOWN = Symbol('unknown');
/** Such as `crypto`, which node makes when it is first asked for. */
const LAZY = new Map(
  Object.entries(getOwnPropertyDescriptors(globals)).flatMap(([name, descriptor]) =>
    descriptor.get ? [[name, descriptor.get]] : [],
  ),
);

/** Positions in UTF-16 code units. */
export function complete(code, cursor) {
  const before = code.slice(0, cursor);
  const [, dots, written = ''] = DOTTED.exec(before.slice(-TAIL));
  const start = before.length - written.length;
  const path = dots.split(/\??\./).map((part) => part.trim());
  path.pop();
  const found = new Members();
  if (path.length > 0) addOfValue(found, path);
  else if (!isAfterDot(before, start)) addNames(found, written);
  const texts = [...found.kinds.keys()]
    .filter((text) => text.startsWith(written) && text.length <= CHARS && IDENTIFIER.test(text))
    .toSorted(byName);
  return {
    start,
    end: before.length,
    matches: texts.slice(0, MOST).map((text) => matchOf(text, found.kinds.get(text))),
    truncated: found.isPartial || texts.length > MOST,
  };
}

const matchOf = (text, kind) => (kind === undefined ? { text } : { text, kind });
const isAfterDot = (before, start) => before.slice(0, start).trimEnd().endsWith('.');

/** As the agent's other languages have it: names with `_` last. */
function byName(a, b) {
  const [one, other] = [a, b].map((text) => `${text.startsWith('_') ? 1 : 0}${text.toLowerCase()}`);
  return one < other ? -1 : one > other ? 1 : 0;
}

function addNames(found, written) {
  const all = new Members();
  all.addOf(globals, 'variable');
  found.isPartial = all.isPartial;
  for (const name of KEYWORDS) found.kinds.set(name, 'keyword');
  for (const [name, kind] of all.kinds)
    if (written !== '' || getOwnPropertyDescriptor(globals, name)?.enumerable)
      found.kinds.set(name, kind);
}

function addOfValue(found, [first, ...rest]) {
  let value = lookUp(globals, first);
  for (const name of rest) value = value === UNKNOWN ? value : lookUp(value, name);
  if (value !== UNKNOWN) found.addOf(value, 'property');
}

/** Itself and what it inherits from, as far as they can be looked at. */
function* chainOf(value) {
  if (value === null || value === undefined) return;
  for (let at = Object(value); at !== null; at = getPrototypeOf(at)) {
    if (types.isProxy(at)) return;
    yield at;
  }
}

function lookUp(value, name) {
  for (const holder of chainOf(value)) {
    const found = getOwnPropertyDescriptor(holder, name);
    if (!found) continue;
    if ('value' in found) return found.value;
    return holder === globals && LAZY.get(name) === found.get ? found.get.call(holder) : UNKNOWN;
  }
  return UNKNOWN;
}

class Members {
  /** By name. */
  kinds = new Map();
  isPartial = false;

  addOf(value, otherwise) {
    for (const holder of chainOf(value)) {
      const names = isList(holder) ? ['length'] : getOwnPropertyNames(holder);
      if (names.length > OWN_NAMES) {
        this.isPartial = true;
        continue;
      }
      for (const name of names)
        if (!this.kinds.has(name))
          this.kinds.set(name, kindOf(getOwnPropertyDescriptor(holder, name), otherwise));
    }
  }
}

/** Of which there is nothing to say but its length. The prototypes of arrays and texts are empty ones. */
function isList(holder) {
  if (ArrayBuffer.isView(holder)) return true;
  return (Array.isArray(holder) || types.isStringObject(holder)) && holder.length > 0;
}

function kindOf(descriptor, otherwise) {
  if (!descriptor || !('value' in descriptor)) return 'property';
  if (typeof descriptor.value !== 'function') return otherwise;
  return isClass(descriptor.value) ? 'class' : 'function';
}

/** By its form; the text of a function is not looked at, which user code can change. */
function isClass(value) {
  if (types.isProxy(value)) return false;
  return getOwnPropertyDescriptor(value, 'prototype')?.writable === false;
}
