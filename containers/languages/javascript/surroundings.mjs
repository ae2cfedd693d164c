/**
 * Environment, directory, limits and timers of a run, and how each is taken back. Must never take back what
 * the code set itself.
 */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import {
  clearImmediate,
  clearTimeout,
  globals,
  Map,
  Number,
  Object,
  process,
  Reflect,
  RegExp,
  String,
  setImmediate,
  setInterval,
  setTimeout,
} from './globals.mjs';

// oxlint-disable-next-line node/no-process-env -- not our configuration: it is user code's own
const environment = process.env;
let baseDone = false;

/** Environment and directory for the life of this process, once. */
export function enterBase(env = {}, cwd) {
  if (baseDone) return;
  Object.assign(environment, env);
  if (cwd !== undefined) process.chdir(cwd);
  // Not before it is so: a run that fails here leaves it to the next one.
  baseDone = true;
}

const SOFT_FILE_SIZE = /^Max file size +(\S+)/m;
let ownFileSize;
let fileSize;

/**
 * The largest file that a run may write; back at what it was from the next one on. Node has no call for
 * it, and code can lift it again, up to what its sandbox allows.
 */
export function holdFileSize(limit) {
  if (limit === undefined && ownFileSize === undefined) return;
  ownFileSize ??= SOFT_FILE_SIZE.exec(readFileSync('/proc/self/limits', 'utf8'))[1];
  const wanted = String(limit ?? ownFileSize);
  // A limit is set again each time, as the code before may have lifted it.
  if (limit === undefined && wanted === fileSize) return;
  try {
    execFileSync('/usr/bin/prlimit', ['--pid', String(process.pid), `--fsize=${wanted}:`]);
    fileSize = wanted;
  } catch (error) {
    // Code has opened all the files that it may, and may be about to close them: the next run tries again.
    if (limit !== undefined) throw error;
  }
}

/** Bytes that were read and written so far; undefined where the system does not tell. */
export function ioCounts() {
  try {
    const text = readFileSync('/proc/self/io', 'latin1');
    const count = (name) => Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(text)[1]);
    return { readBytes: count('rchar'), writtenBytes: count('wchar') };
  } catch {
    return undefined;
  }
}

/** Environment and directory for one run; answers what takes them back. */
export function enter(env, cwd) {
  const home = cwd === undefined ? undefined : directory();
  if (cwd !== undefined) process.chdir(cwd);
  const before = Object.keys(env).map((name) => [name, environment[name]]);
  Object.assign(environment, env);
  return () => {
    for (const [name, old] of before) {
      if (environment[name] !== env[name]) continue;
      if (old === undefined) delete environment[name];
      else environment[name] = old;
    }
    if (home !== undefined) process.chdir(home);
  };
}

/** Undefined where code has removed the one that it is in. */
export function directory() {
  try {
    return process.cwd();
  } catch {
    return undefined;
  }
}

/** Timers run on behind their run, but for one that was interrupted. */
export class Timers {
  #ofRun = new Map();

  begin() {
    this.#ofRun = new Map();
  }

  clear() {
    for (const [timer, clear] of this.#ofRun) clear(timer);
  }

  install() {
    const wrap = (original, clear, repeats) => {
      const timer = (callback, ...rest) => {
        if (typeof callback !== 'function') return original(callback, ...rest);
        const timers = this.#ofRun;
        const made = original(
          (...args) => {
            if (!repeats) timers.delete(made);
            callback(...args);
          },
          ...rest,
        );
        timers.set(made, clear);
        return made;
      };
      Object.defineProperty(timer, 'name', { value: original.name });
      return Object.defineProperties(timer, withoutOwn(original));
    };
    globals.setTimeout = wrap(setTimeout, clearTimeout, false);
    globals.setInterval = wrap(setInterval, clearTimeout, true);
    globals.setImmediate = wrap(setImmediate, clearImmediate, false);
  }
}

/** Such as what `util.promisify` makes of it. */
function withoutOwn(original) {
  const all = Object.getOwnPropertyDescriptors(original);
  return Object.fromEntries(
    Reflect.ownKeys(all)
      .filter((key) => typeof key === 'symbol')
      .map((key) => [key, all[key]]),
  );
}
