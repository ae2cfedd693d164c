/** What is drawn for a proof: the same again by its seed, and anything by some seed. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { shuffled } from '../../../verify/shared/shuffled.ts';

test('keeps every item once, and a seed gives the same order again', () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), fc.nat(), (items, seed) => {
      const drawn = shuffled(items, seed);
      expect(drawn.toSorted((a, b) => a - b)).toEqual(items.toSorted((a, b) => a - b));
      expect(shuffled(items, seed)).toEqual(drawn);
    }),
  );
});

test('seeds one after another draw each item about as often as any other', () => {
  const begun = Date.UTC(2026, 0, 1) % 2 ** 31;
  const items = Array.from({ length: 10 }, (_, index) => index);
  const first = Array.from({ length: 1_000 }, (_, n) => shuffled(items, begun + n)[0]);
  for (const item of items) {
    const count = first.filter((each) => each === item).length;
    expect(count).toBeGreaterThan(50);
    expect(count).toBeLessThan(200);
  }
});
