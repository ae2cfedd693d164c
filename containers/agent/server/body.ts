/**
 * Reads a JSON body, bounded. Must never buffer more than the limit, nor trust `Content-Length`.
 */
import type { IncomingMessage } from 'node:http';
import { AppError } from '../../../contract/errors.ts';
import { LIMITS } from '../../../contract/limits.ts';

/** Of a body over the limit this much is read and dropped, so that its sender hears the answer. */
const DROPPED_BYTES = 4 * LIMITS.requestBytes;

export interface BodyBounds {
  readonly bytes: number;
  /** Objects, lists and what stands in them: parsed, each takes many times its bytes. */
  readonly parts?: number;
}

export async function readJson(
  request: IncomingMessage,
  bounds: BodyBounds = { bytes: LIMITS.requestBytes },
): Promise<unknown> {
  const bytes = await readBytes(request, bounds.bytes);
  if (bounds.parts !== undefined && partsOf(bytes) > bounds.parts)
    throw new AppError('PAYLOAD_TOO_LARGE', `body: must have at most ${bounds.parts} parts`, {
      details: { field: 'body', allowed: bounds.parts },
    });
  return parseJson(bytes);
}

export function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new AppError('VALIDATION_ERROR', 'body: must be JSON in UTF-8', {
      details: { field: 'body', allowed: 'JSON in UTF-8' },
    });
  }
}

/** By events: iterating would destroy the socket with the request, and the answer with it. */
export function readBytes(request: IncomingMessage, limit: number): Promise<Buffer> {
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

const [QUOTE, BACKSLASH] = Buffer.from('"\\');
const PART = new Set(Buffer.from('[{,'));

/** Counted without parsing. */
function partsOf(bytes: Buffer): number {
  let parts = 0;
  let inString = false;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes.readUInt8(at);
    if (inString && byte === BACKSLASH) at += 1;
    else if (byte === QUOTE) inString = !inString;
    else if (!inString && PART.has(byte)) parts += 1;
  }
  return parts;
}
