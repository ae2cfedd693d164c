import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FrameSizes } from '../../../local/services/api-gateway/websocket/frame-sizes.ts';

const LIMIT = 300;

/** A frame as a client sends it, or a server: with a mask or without, its length in any of the three forms. */
function frame(length: number, isMasked: boolean, form: 0 | 2 | 8): Buffer {
  const shortest = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const bytes = Math.max(shortest, form);
  const extended = Buffer.alloc(bytes);
  if (bytes === 2) extended.writeUInt16BE(length);
  if (bytes === 8) extended.writeBigUInt64BE(BigInt(length));
  const short = bytes === 0 ? length : bytes === 2 ? 126 : 127;
  const mask = Buffer.alloc(isMasked ? 4 : 0, 0xff);
  // A payload that looks like headers of long frames.
  const payload = Buffer.alloc(length, 0xff);
  return Buffer.concat([
    Buffer.from([0x81, short | (isMasked ? 0x80 : 0)]),
    extended,
    mask,
    payload,
  ]);
}

const frames = (maximum: number) =>
  fc.array(fc.tuple(fc.nat({ max: maximum }), fc.boolean(), fc.constantFrom<0 | 2 | 8>(0, 2, 8)), {
    maxLength: 6,
  });

/** The same bytes in pieces of any sizes. */
function pieces(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((start, index) => bytes.subarray(start, at[index] ?? bytes.length));
}

test('frames within the limit pass, however their bytes are cut', () => {
  fc.assert(
    fc.property(frames(LIMIT), fc.array(fc.nat(), { maxLength: 20 }), (specs, cuts) => {
      const sizes = new FrameSizes(LIMIT);
      const bytes = Buffer.concat(specs.map((spec) => frame(...spec)));
      return pieces(bytes, cuts).every((piece) => !sizes.exceeds(piece));
    }),
  );
});

test('one that is larger is seen by the end of its header, however its bytes are cut', () => {
  const long = fc.integer({ min: LIMIT + 1, max: 70_000 });
  fc.assert(
    fc.property(
      frames(LIMIT),
      long,
      fc.boolean(),
      fc.array(fc.nat(), { maxLength: 20 }),
      (specs, length, isMasked, cuts) => {
        const sizes = new FrameSizes(LIMIT);
        const before = Buffer.concat(specs.map((spec) => frame(...spec)));
        const whole = frame(length, isMasked, 0);
        const header = whole.subarray(0, whole.length - length);
        const seen = pieces(Buffer.concat([before, header]), cuts).map((piece) =>
          sizes.exceeds(piece),
        );
        return seen.includes(true);
      },
    ),
  );
});

test('a length that no number holds is too long, not an error', () => {
  const bytes = Buffer.concat([Buffer.from([0x81, 0xff]), Buffer.alloc(12, 0xff)]);
  expect(new FrameSizes(LIMIT).exceeds(bytes)).toBe(true);
});
