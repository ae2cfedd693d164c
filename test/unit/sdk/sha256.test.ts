import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Sha256, sha256 } from '../../../sdk/typescript/src/files/sha256.ts';

it('any bytes in any pieces have the SHA-256 that everybody finds', async () => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(pieces, async (parts) => {
      const wanted = createHash('sha256').update(Buffer.concat(parts)).digest('hex');
      for (const hash of [new Sha256(), await sha256()]) {
        for (const part of parts) hash.update(part);
        expect(hash.hex()).toBe(wanted);
      }
    }),
  );
});

it.each([0, 55, 56, 63, 64, 65, 119, 120, 1_000_000])('%i bytes', (size) => {
  const bytes = new Uint8Array(size).fill(0x61);
  const hash = new Sha256();
  hash.update(bytes);
  expect(hash.hex()).toBe(createHash('sha256').update(bytes).digest('hex'));
});
