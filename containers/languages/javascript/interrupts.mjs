/**
 * SIGINT, for as long as this process lives. Must never let node's default for it come back: with
 * listeners of our own it would, for a moment before and after each script that SIGINT can end. So node's
 * watchdog is on all the time, and nobody else listens.
 *
 *   while a script of `interruptible` runs → the script is ended
 *   at any other time                      → it is pending: `takeInterrupt`
 */
import { createContext, Script } from 'node:vm';

const { startSigintWatchdog, stopSigintWatchdog } = process.binding('contextify');

export const INTERRUPTED = {
  name: 'Interrupted',
  value: 'the code was interrupted',
  traceback: '',
};

/** Globals that user code cannot see. */
const aside = createContext({});
const workAside = new Script('work()', { filename: 'node:aside' });

export function holdInterrupts() {
  startSigintWatchdog();
  // What user code listens to is told by us: node would take the signal for itself.
  for (const event of ['newListener', 'removeListener'])
    for (const listener of process.listeners(event)) {
      process.off(event, listener);
      process.on(event, (name, ...rest) => {
        if (name !== 'SIGINT') listener.call(process, name, ...rest);
      });
    }
}

/** Whether one has come since the last look. A script that ends forgets it. */
export function takeInterrupt() {
  startSigintWatchdog();
  return stopSigintWatchdog();
}

export function isInterrupt(error) {
  return error === INTERRUPTED || error?.code === 'ERR_SCRIPT_EXECUTION_INTERRUPTED';
}

/** An error goes around the script: node would write our place into it. */
export function interruptible(work) {
  let outcome;
  aside.work = () => {
    try {
      outcome = { value: work() };
    } catch (error) {
      outcome = { error };
    }
  };
  workAside.runInContext(aside, { breakOnSigint: true });
  if ('error' in outcome) throw outcome.error;
  return outcome.value;
}
