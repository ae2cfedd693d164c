/**
 * One interpreter state and its runs: request in, frames out. Owns what an interrupt, an exit and an error
 * that nobody caught mean.
 *
 *   SIGINT while code computes  → the script is ended
 *   SIGINT while code waits     → the run ends, its timers are cleared; what else it has begun goes on
 *   SIGINT before `start`       → is of what ran before, and dropped
 */
import { compile } from './cell.mjs';
import { Channels, pause, writeAll } from './channels.mjs';
import { complete } from './completion.mjs';
import {
  clearInterval,
  Number,
  Promise,
  process,
  String,
  setImmediate,
  setInterval,
} from './globals.mjs';
import {
  dropInterrupts,
  holdInterrupts,
  INTERRUPTED,
  interruptible,
  isInterrupt,
  takeInterrupt,
} from './interrupts.mjs';
import { LiveStdin } from './live-stdin.mjs';
import {
  forgetCutModules,
  provideGlobals,
  provideLast,
  provideName,
  provideRequire,
} from './provided.mjs';
import { prepareStdio } from './stdio.mjs';
import { enter, enterBase, holdFileSize, ioCounts, Timers } from './surroundings.mjs';
import { bounded, bundleOf, describeError, reasonOf, traceback } from './values.mjs';

const STDERR = 2;
/** Between two looks for an interrupt while code waits. */
const LOOK_MS = 10;
/** What a signal that has ended a child may take to be heard here. */
const SIGNAL_MS = 100;

const { reallyExit } = process;

const channels = new Channels();
const timers = new Timers();
let count = 1;
let running = false;
/** Of the present run, where it was kept open. */
let liveStdin;
let hiddenFrame = '';
let queue = Promise.resolve();

export function serve(driver, toJavaScript) {
  prepareStdio('');
  provideGlobals({ result, sendResult });
  timers.install();
  holdInterrupts();
  watchProcess();
  channels.listen((request) => {
    if (request.op === 'stdin') feed(request);
    else if (request.op === 'complete') next(() => answer(request));
    else next(() => run(request, toJavaScript));
  });
  channels.say({ type: 'ready', driver, version: process.versions.node });
}

/** One after the other. What fails is told at once, by the end of the process: its answer would be waited for. */
function next(work) {
  queue = queue.then(work).catch(() => reallyExit.call(process, 1));
}

function answer({ barrier, code, cursor }) {
  let found = { start: cursor, end: cursor, matches: [], truncated: true };
  try {
    dropInterrupts();
    found = interruptible(() => complete(code, cursor));
  } catch {
    // It took too long, or something that user code has changed cannot be looked at.
  }
  channels.say({ type: 'completions', barrier, ...found });
}

/** What comes after its run is dropped. */
function feed({ barrier, text, close }) {
  if (liveStdin?.barrier === barrier) liveStdin.input.feed(text, close);
}

async function run(request, toJavaScript) {
  const { barrier, keepStdinOpen } = request;
  channels.begin(barrier);
  if (keepStdinOpen) liveStdin = { barrier, input: new LiveStdin(channels) };
  timers.begin();
  running = true;
  const before = ioCounts();
  let done;
  const begin = begins(count);
  count += 1;
  try {
    done = await attempt(request, toJavaScript, begin);
  } catch (error) {
    begin();
    done = failed(error);
  }
  // A rejection that nobody handles is told in the next turn.
  await new Promise((resolve) => setImmediate(resolve));
  running = false;
  liveStdin?.input.end();
  liveStdin = undefined;
  channels.send({ type: 'done', ...done, ...ioSince(before) });
}

/** Says `start`, once: an interrupt may come from then on. */
function begins(executionCount) {
  let begun = false;
  return () => {
    if (begun) return;
    begun = true;
    channels.send({ type: 'start', executionCount });
  };
}

function ioSince(before) {
  const after = ioCounts();
  if (!before || !after) return {};
  const { readBytes, writtenBytes } = after;
  const io = {
    readBytes: readBytes - before.readBytes,
    writtenBytes: writtenBytes - before.writtenBytes,
  };
  return { io };
}

async function attempt(request, toJavaScript, begin) {
  const { code, stdin = '', env = {}, cwd } = request;
  const filename = `cell ${count - 1}`;
  prepareStdio(stdin, liveStdin?.input);
  enterBase(request.baseEnv, request.baseCwd);
  const leave = enter(env, cwd);
  try {
    holdFileSize(request.fileBytes);
    provideRequire();
    dropInterrupts();
    let cell;
    const outcome = interruptible(() => {
      begin();
      cell = compile(toJavaScript(code), filename);
      // Where the function that awaits is called.
      hiddenFrame = `at ${filename}:${cell.lines + 1}:3`;
      for (const name of cell.names) provideName(name);
      return runScript(cell.script);
    });
    const value = cell.isAsync ? await settled(outcome) : outcome;
    if (cell.hasResult && value !== undefined) {
      provideLast(value);
      await interruptible(() => {
        // Between two scripts it would be forgotten.
        if (takeInterrupt()) throw INTERRUPTED;
        return result(value, { main: true });
      });
    }
    return { ok: true, exitCode: 0 };
  } finally {
    leave();
  }
}

function runScript(script) {
  try {
    return script.runInThisContext();
  } catch (error) {
    // An interrupt ends a child that is waited for as well, and that may be heard before it.
    if (error?.signal === 'SIGINT') pause(SIGNAL_MS);
    throw error;
  }
}

async function settled(promise) {
  let looks;
  const interrupted = new Promise((_, reject) => {
    looks = setInterval(() => {
      if (!takeInterrupt()) return;
      reject(INTERRUPTED);
      process.emit('SIGINT', 'SIGINT');
    }, LOOK_MS);
  });
  try {
    return (await Promise.race([promise, interrupted]))?.value;
  } finally {
    clearInterval(looks);
  }
}

function failed(error) {
  const interrupted = isInterrupt(error);
  if (interrupted) {
    timers.clear();
    forgetCutModules();
  }
  channels.send({
    type: 'error',
    ...(interrupted ? INTERRUPTED : describeError(error, hiddenFrame)),
  });
  const reason = reasonOf(error);
  return { ok: false, exitCode: 1, ...(reason === undefined ? {} : { reason }) };
}

/** At once where that is possible, so that it stands in its place in the output. */
function result(value, options) {
  const data = bundleOf(value);
  if (typeof data.then === 'function') return data.then((later) => sendResult(later, options));
  sendResult(data, options);
  return undefined;
}

function sendResult(data, { main = false, id, update } = {}) {
  channels.send({
    type: 'result',
    main,
    data: bounded(data),
    ...(id === undefined ? {} : { displayId: String(id).slice(0, 128) }),
    ...(update === true ? { update: true } : {}),
  });
}

// ---- what can happen to the process ----

function watchProcess() {
  process.on('uncaughtException', (error) => tell('Uncaught', error));
  process.on('unhandledRejection', (reason) => tell('Uncaught (in promise)', reason));
  // Every way of `process.exit`, after its listeners.
  process.reallyExit = (code) => {
    const exitCode = Number(code ?? 0) & 0xff;
    if (running) {
      running = false;
      channels.send({ type: 'done', ok: exitCode === 0, exitCode, lost: 'exited' });
    }
    reallyExit.call(process, exitCode);
  };
}

function tell(what, error) {
  try {
    writeAll(STDERR, `${what} ${traceback(error, hiddenFrame)}\n`);
  } catch {
    // Its stderr is closed: nobody can hear it.
  }
}
