/**
 * Answers that do not reach their caller whole: into the void, or as far as a byte. A service writes to them as to
 * any response and is not told.
 */
import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

const HEAD_END = '\r\n\r\n';

/** A response of which nobody hears. */
export function voidAnswer(incoming: IncomingMessage): ServerResponse {
  return answerInto(incoming, (_bytes, done) => done());
}

/** A response whose head and first `bodyBytes` go to the caller; there the connection ends. */
export function cutAnswer(incoming: IncomingMessage, bodyBytes: number): ServerResponse {
  const { socket } = incoming;
  let head = '';
  let inBody = false;
  let left = bodyBytes;
  const response = answerInto(incoming, (bytes, done) => {
    let headBytes = 0;
    if (!inBody) {
      // In latin1 a character is a byte.
      const before = head.length;
      head += bytes.toString('latin1');
      const end = head.indexOf(HEAD_END);
      inBody = end >= 0;
      headBytes = inBody ? end + HEAD_END.length - before : bytes.length;
    }
    const passed = bytes.subarray(0, headBytes + left);
    left -= Math.max(0, passed.length - headBytes);
    if (socket.destroyed) return done();
    socket.write(passed, () => {
      // Not before they have left: a reset takes back what the kernel still holds.
      if (inBody && left === 0) socket.end(() => socket.destroy());
      done();
    });
  });
  response.once('close', () => socket.end(() => socket.destroy()));
  socket.once('close', () => response.destroy());
  return response;
}

function answerInto(
  incoming: IncomingMessage,
  take: (bytes: Buffer, done: () => void) => void,
): ServerResponse {
  const response = new ServerResponse(incoming);
  const sink = new Duplex({
    read() {},
    write: (bytes: Buffer, _encoding, done) => take(bytes, () => done()),
  });
  // The part of a socket that a response uses is a duplex stream's.
  response.assignSocket(sink as unknown as Socket);
  // As a server does for its own responses.
  sink.on('drain', () => response.emit('drain'));
  response.once('finish', () => sink.end(() => sink.destroy()));
  return response;
}
