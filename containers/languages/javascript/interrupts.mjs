/**
 * SIGINT, for as long as this process lives. Must never let node's default for it come back: with
 * listeners of our own it would, for a moment before and after each script that SIGINT can end. So node's
 * watchdog is on all the time, and nobody else listens.
 *
 *   while a script of `interruptible` runs → the script is ended
 *   at any other time                      → it is pending: `takeInterrupt`
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createContext, Script } from 'node:vm';
import { pause } from './channels.mjs';
import { performance, process, Set } from './globals.mjs';

const now = performance.now.bind(performance);
const { startSigintWatchdog, stopSigintWatchdog } = process.binding('contextify');

export const INTERRUPTED = {
  name: 'Interrupted',
  value: 'the code was interrupted',
  traceback: '',
};

const THREADS = '/proc/self/task';
/** The most that the watchdog's thread may take to look up, on a machine that has no time for it. */
const PATIENCE_MS = 1000;

/** Globals that user code cannot see. */
const aside = createContext({});
const workAside = new Script('work()', { filename: 'node:aside' });

/** The id of the watchdog's thread. */
let watchdog;

export function holdInterrupts() {
  const others = new Set(readdirSync(THREADS));
  startSigintWatchdog();
  watchdog = readdirSync(THREADS).find((thread) => !others.has(thread));
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

/** Those of code that has ended: the watchdog may not have come to tell of them yet. */
export function dropInterrupts() {
  const end = now() + PATIENCE_MS;
  while (!watchdogWaits() && now() < end) pause(0.05);
  takeInterrupt();
}

function watchdogWaits() {
  try {
    const stat = readFileSync(`${THREADS}/${watchdog}/stat`, 'latin1');
    return stat.startsWith('S', stat.lastIndexOf(')') + 2);
  } catch {
    // Code has opened all the files that it may: it nearly always waits.
    return true;
  }
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
