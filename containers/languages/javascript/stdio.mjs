/**
 * fd 0, 1 and 2 as a run finds them, and `process.stdin`, `stdout` and `stderr` upon them. Must never
 * trust that user code left anything in place: every run puts back what it needs.
 */
import { closeSync, createReadStream, fstatSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { OUTPUTS, writeAll } from './channels.mjs';
import { ArrayBuffer, Buffer, Error, Object, performance, process } from './globals.mjs';

const { nextTick } = process;

/**
 * Without a buffer: what is printed is heard at once and in order with child processes. It lives as
 * long as the process, since `console` keeps the first that it sees.
 */
class LiveOutput extends Writable {
  fd;

  constructor(fd) {
    super({ decodeStrings: false, emitClose: false, autoDestroy: false });
    this.fd = fd;
  }

  /** In place of the stream's own: an interrupt in the middle of that would silence it for good. */
  write(chunk, ...rest) {
    if (typeof chunk !== 'string' && !ArrayBuffer.isView(chunk)) return super.write(chunk, ...rest);
    const encoding = rest.find((arg) => typeof arg === 'string');
    const bytes =
      typeof chunk === 'string'
        ? Buffer.from(chunk, encoding)
        : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    try {
      writeAll(this.fd, bytes);
    } catch {
      // The code has closed it.
    }
    const done = rest.find((arg) => typeof arg === 'function');
    if (done) nextTick(done, null);
    return true;
  }

  end(...args) {
    const [chunk, encoding] = args.filter((arg) => typeof arg !== 'function');
    if (chunk !== undefined && chunk !== null) this.write(chunk, encoding);
    args.find((arg) => typeof arg === 'function')?.();
    return this;
  }

  destroy() {
    return this;
  }
}

const outputs = { stdout: new LiveOutput(1), stderr: new LiveOutput(2) };

export function prepareStdio(stdin, live) {
  // The lowest number first: what is opened takes the lowest that is free.
  provide(0, () => (stdin === '' ? openSync('/dev/null', 'r') : fileOf(stdin)));
  for (const [index, copy] of OUTPUTS.entries()) restore(index + 1, copy);
  // fd 0 has its end at once then: nothing but the stream hears of what comes later.
  let input = live?.stream;
  define('stdin', () => {
    // A description of its own: number 0 is another file in the next run, and this may read on.
    input ??= createReadStream('', { fd: openSync('/proc/self/fd/0', 'r') });
    return input;
  });
  for (const [name, stream] of Object.entries(outputs)) define(name, () => stream);
}

function restore(fd, copy) {
  if (sameFile(fd, copy)) return;
  provide(fd, () => openSync(`/proc/self/fd/${copy}`, 'a'));
}

function sameFile(fd, other) {
  try {
    const [one, two] = [fstatSync(fd), fstatSync(other)];
    return one.ino === two.ino && one.dev === two.dev;
  } catch {
    return false;
  }
}

/** What is opened takes the lowest number that is free: the one that was just closed. */
function provide(fd, open) {
  try {
    closeSync(fd);
  } catch {
    // It was closed already.
  }
  const got = open();
  if (got === fd) return;
  closeSync(got);
  throw new Error(`descriptor ${fd} could not be put back`);
}

function fileOf(text) {
  const path = join(tmpdir(), `.stdin-${process.pid}-${performance.now()}`);
  const fd = openSync(path, 'wx+', 0o600);
  unlinkSync(path);
  const bytes = Buffer.from(text);
  // Written by position: whoever reads begins at the start.
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at, at);
  return fd;
}

function define(name, get) {
  Object.defineProperty(process, name, {
    configurable: true,
    enumerable: true,
    get,
    set(value) {
      define(name, () => value);
    },
  });
}
