/**
 * What node gives to every script, as it was before any code ran: what a cell declares becomes a property
 * of the global object, `process` and `Map` as any other name. A lint rule lets no other
 * file of an interpreter use the names as they are.
 */
export { Buffer } from 'node:buffer';
export { performance } from 'node:perf_hooks';
export { default as process } from 'node:process';

/** The global object, which user code shares. */
export const globals = globalThis;
export const {
  Array,
  ArrayBuffer,
  Atomics,
  Error,
  Int32Array,
  JSON,
  Map,
  Number,
  Object,
  Promise,
  RangeError,
  Reflect,
  RegExp,
  Set,
  SharedArrayBuffer,
  String,
  Symbol,
  SyntaxError,
  clearImmediate,
  clearInterval,
  clearTimeout,
  setImmediate,
  setInterval,
  setTimeout,
} = globalThis;
