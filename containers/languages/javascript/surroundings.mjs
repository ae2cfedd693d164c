/**
 * Environment, directory and timers of a run, and how each is taken back. Must never take back what
 * the code set itself.
 */

const { clearImmediate, clearTimeout, setImmediate, setInterval, setTimeout } = globalThis;

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

/** Environment and directory for one run; answers what takes them back. */
export function enter(env, cwd) {
  const home = cwd === undefined ? undefined : process.cwd();
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
    globalThis.setTimeout = wrap(setTimeout, clearTimeout, false);
    globalThis.setInterval = wrap(setInterval, clearTimeout, true);
    globalThis.setImmediate = wrap(setImmediate, clearImmediate, false);
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
