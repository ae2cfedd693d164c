/**
 * Takes the body of an upload into a file, checking length and checksums on the way. A body that is cut or does not
 * match its claims leaves no file. The request stays usable, so that an error can still be answered.
 */
import { open, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { AwsChunkedDecoder } from './aws-chunked.ts';
import { BodyDigest, type Checksums, claimsOf } from './checksums.ts';
import { incompleteBody, notServed, S3Error } from './errors.ts';

const MAX_BODY_BYTES = 5 * 2 ** 30;
const MAX_DOCUMENT_BYTES = 2 * 2 ** 20;

export interface ReceivedBody {
  readonly sizeBytes: number;
  /** Hex. */
  readonly md5: string;
  readonly checksums: Checksums;
}

export async function receiveBody(
  incoming: IncomingMessage,
  payloadClaim: string | undefined,
  path: string,
): Promise<ReceivedBody> {
  const expected = announcedLength(incoming);
  const digest = new BodyDigest(claimsOf(incoming.headers, payloadClaim));
  const decoder = decoderOf(payloadClaim);
  const file = await open(path, 'wx');
  try {
    let sizeBytes = 0;
    for await (const bytes of bytesOf(incoming)) {
      for (const piece of decoder ? decoder.push(bytes) : [bytes]) {
        sizeBytes += piece.length;
        if (sizeBytes > expected) throw incompleteBody('The body is longer than announced');
        digest.update(piece);
        await file.writeFile(piece);
      }
    }
    decoder?.end();
    if (sizeBytes !== expected) throw incompleteBody(`Got ${sizeBytes} of ${expected} bytes`);
    const result = digest.finish(decoder?.trailers ?? new Map());
    await file.close();
    return { sizeBytes, ...result };
  } catch (error) {
    await file.close();
    await rm(path, { force: true });
    throw error;
  }
}

/** A small XML body, whole. */
export async function receiveDocument(
  incoming: IncomingMessage,
  payloadClaim: string | undefined,
): Promise<string> {
  const digest = new BodyDigest(claimsOf(incoming.headers, payloadClaim));
  const decoder = decoderOf(payloadClaim);
  const pieces: Buffer[] = [];
  let sizeBytes = 0;
  for await (const bytes of bytesOf(incoming)) {
    for (const piece of decoder ? decoder.push(bytes) : [bytes]) {
      sizeBytes += piece.length;
      if (sizeBytes > MAX_DOCUMENT_BYTES) {
        throw new S3Error('MalformedXML', 400, `The XML is over ${MAX_DOCUMENT_BYTES} bytes`);
      }
      digest.update(piece);
      pieces.push(piece);
    }
  }
  decoder?.end();
  digest.finish(decoder?.trailers ?? new Map());
  return Buffer.concat(pieces).toString();
}

function announcedLength(incoming: IncomingMessage): number {
  const { headers } = incoming;
  const text = headers['x-amz-decoded-content-length'] ?? headers['content-length'];
  if (typeof text !== 'string' || !/^\d{1,15}$/.test(text)) {
    const message = 'You must provide the Content-Length HTTP header.';
    throw new S3Error('MissingContentLength', 411, message);
  }
  const length = Number(text);
  if (length <= MAX_BODY_BYTES) return length;
  const message = `Your proposed upload exceeds the maximum allowed size of ${MAX_BODY_BYTES} bytes`;
  throw new S3Error('EntityTooLarge', 400, message);
}

function decoderOf(payloadClaim: string | undefined): AwsChunkedDecoder | undefined {
  if (!payloadClaim?.startsWith('STREAMING-')) return undefined;
  if (payloadClaim === 'STREAMING-UNSIGNED-PAYLOAD-TRAILER') return new AwsChunkedDecoder();
  throw notServed(`the payload form ${payloadClaim}`);
}

/** Unlike `for await` over the message itself this leaves the socket open when the loop throws. */
function bytesOf(incoming: IncomingMessage): AsyncIterable<Buffer> {
  return incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
}
