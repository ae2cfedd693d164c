import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  boundaryOf,
  MultipartParser,
  type PartEvent,
} from '../../../containers/agent/e2b/multipart.ts';

const BOUNDARY = 'x-7';

function cutAt(body: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((cut) => cut % (body.length + 1)))].sort((a, b) => a - b);
  const starts = [0, ...places];
  return starts.map((start, at) => body.subarray(start, starts[at + 1]));
}

function partsIn(chunks: readonly Buffer[]) {
  const parser = new MultipartParser(BOUNDARY);
  const events: PartEvent[] = chunks.flatMap((chunk) => [...parser.push(chunk)]);
  parser.end();
  const parts: { name: string | undefined; filename: string | undefined; bytes: Buffer }[] = [];
  for (const event of events) {
    const last = parts.at(-1);
    if (event.type === 'part') parts.push({ ...event, bytes: Buffer.alloc(0) });
    else if (event.type === 'data' && last) last.bytes = Buffer.concat([last.bytes, event.bytes]);
  }
  return parts.map(({ name, filename, bytes }) => ({
    name,
    filename,
    text: bytes.toString('hex'),
  }));
}

function bodyOf(parts: readonly { filename: string; bytes: Uint8Array }[]): Buffer {
  const written = parts.flatMap(({ filename, bytes }) => [
    `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="${filename}"\r\n\r\n`,
    bytes,
    '\r\n',
  ]);
  const end = `--${BOUNDARY}--\r\n`;
  return Buffer.concat([...written, end].map((piece) => Buffer.from(piece)));
}

describe('a body of several parts', () => {
  it('gives every byte of every part, however it is cut', () => {
    // Bytes that look like the beginning of a boundary, above all.
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc
        .array(fc.constantFrom('\r\n', '--', '-', 'x-7', '\r', '\n', 'a'), { maxLength: 20 })
        .map((pieces) => Buffer.from(pieces.join('').replaceAll(`\r\n--${BOUNDARY}`, ''))),
    );
    const part = fc.record({ filename: fc.stringMatching(/^[a-z/.]{1,20}$/), bytes });
    fc.assert(
      fc.property(
        fc.array(part, { minLength: 1, maxLength: 4 }),
        fc.array(fc.nat(), { maxLength: 30 }),
        (parts, cuts) => {
          const expected = parts.map(({ filename, bytes }) => ({
            name: 'file',
            filename,
            text: Buffer.from(bytes).toString('hex'),
          }));
          fc.pre(
            expected.every(
              ({ text }) => !text.includes(Buffer.from(`\r\n--${BOUNDARY}`).toString('hex')),
            ),
          );
          expect(partsIn(cutAt(bodyOf(parts), cuts))).toEqual(expected);
        },
      ),
    );
  });

  it('never takes a cut body for a whole one', () => {
    const body = bodyOf([{ filename: 'a', bytes: Buffer.from('content') }]);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: body.length - 3 }), (length) => {
        expect(() => partsIn([body.subarray(0, length)])).toThrow('ends before its last boundary');
      }),
    );
  });

  it('never throws anything but a refusal, whatever comes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 })), (chunks) => {
        expect(() => partsIn(chunks.map((chunk) => Buffer.from(chunk)))).toThrow(/^body: /);
      }),
    );
  });

  it('refuses headers without end', () => {
    const parser = new MultipartParser(BOUNDARY);
    const push = () => [...parser.push(Buffer.from(`--${BOUNDARY}\r\n${'a'.repeat(20_000)}`))];
    expect(push).toThrow('too many headers');
  });

  it.each([
    ['multipart/form-data; boundary=abc', 'abc'],
    ['multipart/form-data; charset=utf-8; Boundary="a b"', 'a b'],
  ])('knows the boundary of %s', (type, boundary) => {
    expect(boundaryOf(type)).toBe(boundary);
  });

  it('refuses a type without a boundary', () => {
    expect(() => boundaryOf('multipart/form-data')).toThrow('must name a boundary');
  });
});
