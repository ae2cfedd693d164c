import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AwsChunkedDecoder } from '../../../local/services/s3/aws-chunked.ts';
import { S3Error } from '../../../local/services/s3/errors.ts';

function encode(chunks: readonly Uint8Array[], trailers: readonly string[] = []): Buffer {
  const framed = chunks.flatMap((chunk) => [
    Buffer.from(`${chunk.length.toString(16)}\r\n`),
    Buffer.from(chunk),
    Buffer.from('\r\n'),
  ]);
  const end = Buffer.from(['0', ...trailers, '', ''].join('\r\n'));
  return Buffer.concat([...framed, end]);
}

function decode(pieces: readonly Buffer[]) {
  const decoder = new AwsChunkedDecoder();
  const data = Buffer.concat(pieces.flatMap((piece) => decoder.push(piece)));
  decoder.end();
  return { data, trailers: Object.fromEntries(decoder.trailers) };
}

/** Cuts bytes at the given places. */
function split(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length];
  const sorted = places.toSorted((a, b) => a - b);
  return sorted.slice(1).map((place, at) => bytes.subarray(sorted[at], place));
}

const cuts = fc.array(fc.nat(), { maxLength: 12 });

describe('the aws-chunked framing', () => {
  it('gives the same data and trailers however its bytes are split', () => {
    const chunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 }), { maxLength: 6 });
    fc.assert(
      fc.property(chunks, cuts, (chunks, cuts) => {
        const whole = encode(chunks, ['x-amz-checksum-crc32:AAAAAA==', 'b: c']);
        const { data, trailers } = decode(split(whole, cuts));
        expect(data.equals(Buffer.concat(chunks))).toBe(true);
        expect(trailers).toEqual({ 'x-amz-checksum-crc32': 'AAAAAA==', b: 'c' });
      }),
    );
  });

  it('refuses every body that is cut short', () => {
    const whole = encode([Buffer.from('hello'), Buffer.from('world')], ['a:b']);
    for (let length = 0; length < whole.length; length++) {
      expect(() => decode([whole.subarray(0, length)])).toThrow(S3Error);
    }
    expect(() => decode([whole, Buffer.from('x\r\n')])).toThrow(S3Error);
  });

  it('answers any bytes with data or with a closed error', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.string({ unit: fc.constantFrom('0', '1', 'a', ';', ':', '\r\n', '\n', 'x') }),
    );
    fc.assert(
      fc.property(bytes, cuts, (bytes, cuts) => {
        try {
          decode(split(Buffer.from(bytes), cuts));
        } catch (error) {
          expect(error).toBeInstanceOf(S3Error);
        }
      }),
    );
    const endless = Buffer.alloc(10_000, '1');
    expect(() => decode([endless])).toThrow('too long');
  });
});
