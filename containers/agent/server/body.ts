/**
 * Reads a JSON body, bounded. Must never buffer more than the limit, nor trust `Content-Length`.
 */
import type { IncomingMessage } from 'node:http';
import { AppError } from '../../../contract/errors.ts';
import { LIMITS } from '../../../contract/limits.ts';

/** Of a body over the limit this much is read and dropped, so that its sender hears the answer. */
const DROPPED_BYTES = 4 * LIMITS.requestBytes;

/** `limit` is what the caller is trusted with: parsed JSON takes many times its bytes. */
export async function readJson(
  request: IncomingMessage,
  limit: number = LIMITS.requestBytes,
): Promise<unknown> {
  const bytes = await readBytes(request, limit);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new AppError('VALIDATION_ERROR', 'body: must be JSON in UTF-8', {
      details: { field: 'body', allowed: 'JSON in UTF-8' },
    });
  }
}

/** By events: iterating would destroy the socket with the request, and the answer with it. */
function readBytes(request: IncomingMessage, limit: number): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const tooLarge = () =>
    new AppError('PAYLOAD_TOO_LARGE', `body: must be at most ${limit} bytes`, {
      details: { field: 'body', allowed: limit },
    });
  let chunks: Buffer[] = [];
  let size = 0;
  request.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size <= limit) chunks.push(chunk);
    else chunks = [];
    if (size > limit + DROPPED_BYTES) reject(tooLarge());
  });
  request.once('end', () => (size > limit ? reject(tooLarge()) : resolve(Buffer.concat(chunks))));
  request.once('error', reject);
  return promise;
}
