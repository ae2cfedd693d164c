/**
 * How long a request may take to come. As a whole it has 30 s, since user code shares the port; one that was
 * authorized and carries a file may take as long as bytes go on coming.
 */
import type { IncomingMessage } from 'node:http';

const WHOLE_MS = 30_000;
const SILENT_MS = 30_000;
const CHECK_MS = 1_000;

const timers = new WeakMap<IncomingMessage, NodeJS.Timeout>();

/** Cuts it where it is not whole in time. */
export function limitBody(request: IncomingMessage, wholeMs = WHOLE_MS): void {
  const late = () => {
    // One that has come is not late, though its answer may last for hours.
    if (!request.complete) cut(request);
  };
  keep(request, setTimeout(late, wholeMs));
  const done = () => clearTimeout(timers.get(request));
  request.once('end', done).once('close', done);
}

/** From now on it may take its time, but not be silent. */
export function allowSlowBody(request: IncomingMessage, silentMs = SILENT_MS): void {
  const { socket } = request;
  let bytes = socket.bytesRead;
  let sinceMs = performance.now();
  const check = () => {
    const now = performance.now();
    // What has not been taken yet is not the sender's silence.
    if (socket.bytesRead > bytes || isFull(request)) {
      bytes = socket.bytesRead;
      sinceMs = now;
    }
    if (request.complete) clearTimeout(timers.get(request));
    else if (now - sinceMs >= silentMs) cut(request);
  };
  keep(request, setInterval(check, Math.min(CHECK_MS, silentMs / 2)));
}

/** By its socket: destroyed by itself it would end without an error, which is what its readers wait for. */
const cut = ({ socket }: IncomingMessage) => void socket.destroy();

const isFull = ({ readableLength, readableHighWaterMark }: IncomingMessage) =>
  readableLength >= readableHighWaterMark;

function keep(request: IncomingMessage, timer: NodeJS.Timeout): void {
  clearTimeout(timers.get(request));
  if (request.complete) clearTimeout(timer);
  else timers.set(request, timer.unref());
}
