/**
 * Frames of `application/vnd.amazon.eventstream` as `InvokeWithResponseStream` sends them: length, header length,
 * checksum of those, headers, payload, checksum of all. The payload is not copied.
 */
import { Buffer } from 'node:buffer';
import { crc32 } from 'node:zlib';

const STRING_TYPE = 7;

/** Two lengths and a checksum before the headers, one checksum after the payload. */
const FIXED_BYTES = 16;

function encodeHeader(name: string, value: string): Buffer {
  const size = Buffer.alloc(2);
  size.writeUInt16BE(Buffer.byteLength(value));
  return Buffer.concat([
    Buffer.of(Buffer.byteLength(name)),
    Buffer.from(name),
    Buffer.of(STRING_TYPE),
    size,
    Buffer.from(value),
  ]);
}

function eventHeaders(eventType: string, contentType: string): Buffer {
  return Buffer.concat([
    encodeHeader(':event-type', eventType),
    encodeHeader(':content-type', contentType),
    encodeHeader(':message-type', 'event'),
  ]);
}

const payloadChunkHeaders = eventHeaders('PayloadChunk', 'application/octet-stream');
const invokeCompleteHeaders = eventHeaders('InvokeComplete', 'application/json');

/** The parts of one frame, in the order they are sent. */
type Frame = readonly [head: Buffer, payload: Uint8Array, checksum: Buffer];

function frame(headers: Buffer, payload: Uint8Array): Frame {
  const head = Buffer.alloc(12 + headers.byteLength);
  head.writeUInt32BE(FIXED_BYTES + headers.byteLength + payload.byteLength, 0);
  head.writeUInt32BE(headers.byteLength, 4);
  head.writeUInt32BE(crc32(head.subarray(0, 8)), 8);
  headers.copy(head, 12);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(payload, crc32(head)));
  return [head, payload, checksum];
}

export function payloadChunk(payload: Uint8Array): Frame {
  return frame(payloadChunkHeaders, payload);
}

export function invokeComplete(error?: { code: string; details: string }): Frame {
  const body = error === undefined ? {} : { ErrorCode: error.code, ErrorDetails: error.details };
  return frame(invokeCompleteHeaders, Buffer.from(JSON.stringify(body)));
}
