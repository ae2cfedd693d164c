/**
 * Values and errors as the agent takes them: MIME bundles, bounded; tracebacks without the frames of
 * this driver and of node itself. Must never fail on what user code made.
 */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import {
  Array,
  ArrayBuffer,
  Buffer,
  Error,
  JSON,
  Number,
  Object,
  RegExp,
  Set,
  Symbol,
} from './globals.mjs';

const RESULT_BYTES = 16 * 1024 * 1024;
const RESULT_TEXT_CHARS = 256 * 1024;
const ERROR_CHARS = 32 * 1024;
/** Of the name of a form, as in the agent's schema of frames. */
const MIME_CHARS = 128;
/** A JSON form is made of values up to this many parts. */
const JSON_PARTS = 10_000;
/** What a value says about how it is shown; the name is that of other JavaScript kernels. */
const DISPLAY = Symbol.for('Jupyter.display');

const DRIVER = dirname(fileURLToPath(import.meta.url));
const LANGUAGES = dirname(DRIVER);
const OUR_FRAME = new RegExp(`^ +at .*(${escape(LANGUAGES)}|node:)`);

const NO_MEMORY = new Set(['Array buffer allocation failed', 'Failed to allocate memory']);

const { stringify } = JSON;

/** A promise only where the value itself says how it is shown, and takes its time. */
export function bundleOf(value) {
  const other = () => ({ 'text/plain': textOf(value), ...jsonForm(value) });
  const take = (own) => (own && typeof own === 'object' ? encoded(own) : other());
  try {
    if (value === null || typeof value !== 'object' || typeof value[DISPLAY] !== 'function')
      return other();
    const own = value[DISPLAY]();
    return typeof own?.then === 'function' ? own.then(take, other) : take(own);
  } catch {
    return other();
  }
}

/** Bytes as base64; what is not JSON is left out. */
export function encoded(bundle) {
  return Object.fromEntries(
    Object.entries(bundle).flatMap(([mime, value]) => {
      if (mime.length > MIME_CHARS) return [];
      if (typeof value === 'string') return [[mime, value]];
      if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer)
        return [
          [
            mime,
            Buffer.from(value.buffer ?? value, value.byteOffset, value.byteLength).toString(
              'base64',
            ),
          ],
        ];
      return isPlain(value, { left: Number.POSITIVE_INFINITY }) ? [[mime, value]] : [];
    }),
  );
}

/** Over the limit only the text form stays, with a mark. */
export function bounded(bundle) {
  const size = Buffer.byteLength(stringify(bundle));
  if (size <= RESULT_BYTES) return bundle;
  const text = bundle['text/plain'];
  const head = typeof text === 'string' ? cut(text, RESULT_TEXT_CHARS) : '';
  const mark = `[the result has ${size} bytes, ${RESULT_BYTES} are allowed: only its text form is kept]`;
  return { 'text/plain': `${head}\n${mark}` };
}

export function textOf(value) {
  try {
    return inspect(value, { maxArrayLength: 1_000, maxStringLength: null });
  } catch {
    return "<the value's text failed>";
  }
}

function jsonForm(value) {
  if (value === null || typeof value !== 'object' || !isPlain(value, { left: JSON_PARTS }))
    return {};
  return { 'application/json': value };
}

/** Whether JSON says all of it. */
function isPlain(value, budget) {
  budget.left -= 1;
  if (budget.left < 0) return false;
  try {
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
    if (typeof value === 'number') return Number.isFinite(value);
    if (typeof value !== 'object' || typeof value.toJSON === 'function') return false;
    if (Array.isArray(value)) return value.every((item) => isPlain(item, budget));
    const prototype = Object.getPrototypeOf(value);
    if (prototype !== null && Object.getPrototypeOf(prototype) !== null) return false;
    return Object.values(value).every((item) => isPlain(item, budget));
  } catch {
    // Too deep, or a getter of the user's.
    return false;
  }
}

/** @param hidden a frame of the last cell that is none of its code's */
export function describeError(error, hidden) {
  try {
    if (!(error instanceof Error))
      return { name: 'Uncaught', value: cut(textOf(error), ERROR_CHARS), traceback: '' };
    return {
      name: stringOf(error.name).slice(0, 256),
      value: cut(stringOf(error.message), ERROR_CHARS),
      traceback: cut(traceback(error, hidden), ERROR_CHARS),
    };
  } catch {
    return { name: 'Error', value: "<the error's text failed>", traceback: '' };
  }
}

export function traceback(error, hidden) {
  return textOf(error)
    .split('\n')
    .filter((line) => !OUR_FRAME.test(line) && line.trim() !== hidden)
    .join('\n');
}

/** The limit behind an error, where node tells. */
export function reasonOf(error) {
  if (error?.code === 'ERR_MEMORY_ALLOCATION_FAILED' || NO_MEMORY.has(error?.message))
    return 'memory';
  return error?.code === 'EFBIG' ? 'file_size' : undefined;
}

/** Code may put anything there. */
function stringOf(value) {
  return typeof value === 'string' ? value : textOf(value);
}

function cut(text, limit) {
  if (text.length <= limit) return text;
  const half = limit / 2;
  return `${text.slice(0, half)}\n… ${text.length - limit} characters cut …\n${text.slice(-half)}`;
}

function escape(text) {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
