/**
 * A request's bytes into a helper, at the helper's pace. By events: a pipeline would destroy the socket with the
 * request, and the answer with it. How long a request may take to come is for slow-body.ts to say.
 */
import type { IncomingMessage } from 'node:http';
import type { Writable } from 'node:stream';
import { LIMITS } from '../../../contract/limits.ts';

const READ_OFF_BYTES = 4 * LIMITS.fileRequestBytes;

/** Resolves at the end of the request, or when the helper takes no more; rejects when the request is cut. */
export function pour(
  request: IncomingMessage,
  helper: Writable,
  onChunk: (chunk: Buffer) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error) => {
      request.off('data', take).off('end', settle).off('close', cut);
      helper.off('drain', goOn).off('close', settle);
      if (error) reject(error);
      else resolve();
    };
    const take = (chunk: Buffer) => {
      onChunk(chunk);
      if (!helper.write(chunk)) request.pause();
    };
    const goOn = () => void request.resume();
    const cut = () => settle(new Error('the request was cut'));
    request.once('end', settle).once('close', cut).on('data', take);
    helper.once('close', settle).on('drain', goOn);
    if (helper.destroyed) settle();
    // Cut before anyone listened: it says so no more.
    else if (request.destroyed && !request.readableEnded) cut();
  });
}

/** What is left of a refused body, within bounds: its sender hears the answer only once all is read. */
export function readOff(request: IncomingMessage): Promise<void> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (request.readableEnded || request.destroyed || !(announced <= READ_OFF_BYTES))
    return Promise.resolve();
  return new Promise((resolve) => {
    request.once('end', resolve).once('close', resolve).resume();
  });
}
