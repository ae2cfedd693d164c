/**
 * The channels to the agent: requests on fd 4, frames on fd 3, and before each frame its mark on
 * copies of fd 1 and 2, which user code may close or replace. Must never wait while it reads.
 */
import { writeSync } from 'node:fs';
import { Socket } from 'node:net';
import {
  Atomics,
  Buffer,
  clearInterval,
  Int32Array,
  JSON,
  process,
  SharedArrayBuffer,
  setInterval,
} from './globals.mjs';

const FRAMES = 3;
const REQUESTS = 4;
/** Copies of fd 1 and 2 that user code does not know of. */
export const OUTPUTS = [5, 6];

const { parse, stringify } = JSON;
const LONG_MS = 2 ** 30;
const NONE = { k: -1, sent: true };

export function pause(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** All of it, also where a child has made the pipe that it shares with us non-blocking. */
export function writeAll(fd, data) {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
      pause(1);
    }
  }
}

export class Channels {
  #barrier = '';
  /** The present run's last frame. An interrupt may have ended its sending at any place. */
  #last = NONE;
  #socket;
  /** While nothing is read, something else must keep the process alive. */
  #alive;

  begin(barrier) {
    this.#barrier = barrier;
    this.#last = NONE;
  }

  say(message) {
    writeAll(FRAMES, `${stringify(message)}\n`);
  }

  /** Everything written before this call is heard before the frame. */
  send(frame) {
    if (!this.#last.sent) this.#write('\n');
    const k = this.#last.k + 1;
    const mark = `\x1e${this.#barrier}${k.toString(16).padStart(8, '0')}\x1e`;
    const line = `${stringify({ ...frame, barrier: this.#barrier, k })}\n`;
    // In one step: whatever is cut off from here on is sent once more, and the agent takes it once.
    this.#last = { k, mark, line, sent: false };
    this.#write('');
  }

  #write(before) {
    const { mark, line } = this.#last;
    for (const fd of OUTPUTS) writeAll(fd, mark);
    writeAll(FRAMES, before + line);
    this.#last.sent = true;
  }

  /** Requests until the agent closes the channel, which ends the process. */
  listen(onRequest) {
    const socket = new Socket({ fd: REQUESTS, readable: true, writable: false });
    this.#socket = socket;
    let held = '';
    socket.setEncoding('utf8');
    socket.on('data', (text) => {
      const lines = (held + text).split('\n');
      held = lines.pop();
      for (const line of lines) onRequest(parse(line));
    });
    socket.on('end', () => process.reallyExit(0));
  }

  /** Leaves with the agent what it has yet to send. */
  pause() {
    this.#alive ??= setInterval(() => undefined, LONG_MS);
    this.#socket.pause();
  }

  resume() {
    clearInterval(this.#alive);
    this.#alive = undefined;
    this.#socket.resume();
  }
}
