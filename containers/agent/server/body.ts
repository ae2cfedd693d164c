/**
 * Reads a JSON body, bounded. Must never buffer more than the limit, nor trust `Content-Length`.
 */
import type { IncomingMessage } from 'node:http';
import { AppError } from '../../../contract/errors.ts';
import { LIMITS } from '../../../contract/limits.ts';

export async function readJson(request: IncomingMessage): Promise<unknown> {
  const bytes = await readBytes(request, LIMITS.requestBytes);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new AppError('VALIDATION_ERROR', 'body: must be JSON in UTF-8', {
      details: { field: 'body', allowed: 'JSON in UTF-8' },
    });
  }
}

async function readBytes(request: IncomingMessage, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit)
      throw new AppError('PAYLOAD_TOO_LARGE', `the body is over ${limit} bytes`, {
        details: { field: 'body', allowed: limit },
      });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
