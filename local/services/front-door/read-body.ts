/** Reads a whole request body, up to a limit; the rest of a larger one is read off and dropped. */
import type { IncomingMessage } from 'node:http';

export async function readBody(
  incoming: IncomingMessage,
  limitBytes: number,
): Promise<Buffer | 'too-large'> {
  if (Number(incoming.headers['content-length'] ?? 0) > limitBytes) {
    incoming.resume();
    return 'too-large';
  }
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes <= limitBytes) chunks.push(chunk);
  }
  return sizeBytes > limitBytes ? 'too-large' : Buffer.concat(chunks, sizeBytes);
}
