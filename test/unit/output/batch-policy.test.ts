/** The log's batches: live at first, thrifty later, and never more than the table takes. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  BatchPolicy,
  EVENT_BYTES_IN_ROW,
  ROW_BYTES_PER_SECOND,
  rowIntervalMs,
  SEGMENT_BYTES,
} from '../../../core/output/batch-policy.ts';

test('the first event goes at once, the next waits for its interval', () => {
  const policy = new BatchPolicy(0);
  const batch = { bytes: 100, largestEventBytes: 100 };
  expect(policy.decide(batch, 0)).toEqual({ kind: 'row' });
  policy.wrote('row', batch, 0);
  expect(policy.decide(batch, 20)).toEqual({ kind: 'wait', ms: 30 });
  expect(policy.decide(batch, 50)).toEqual({ kind: 'row' });
});

test('the interval grows with the age of the log', () => {
  expect([0, 1_999, 2_000, 9_999, 10_000].map(rowIntervalMs)).toEqual([50, 50, 100, 100, 250]);
});

test('a large event and a full batch go to a segment', () => {
  const policy = new BatchPolicy(0);
  expect(
    policy.decide({ bytes: EVENT_BYTES_IN_ROW + 1, largestEventBytes: EVENT_BYTES_IN_ROW + 1 }, 0)
      .kind,
  ).toBe('segment');
  policy.wrote('row', { bytes: 1, largestEventBytes: 1 }, 0);
  expect(policy.decide({ bytes: SEGMENT_BYTES, largestEventBytes: 10 }, 1).kind).toBe('segment');
});

test('rows never take more than their rate and one burst, whatever arrives', () => {
  const arrivals = fc.array(
    fc.record({ bytes: fc.integer({ min: 1, max: 400_000 }), afterMs: fc.nat(300) }),
    { minLength: 1, maxLength: 200 },
  );
  fc.assert(
    fc.property(arrivals, (steps) => {
      const policy = new BatchPolicy(0);
      let nowMs = 0;
      let rowBytes = 0;
      for (const { bytes, afterMs } of steps) {
        nowMs += afterMs;
        const batch = { bytes, largestEventBytes: 1_000 };
        const decision = policy.decide(batch, nowMs);
        if (decision.kind === 'wait') continue;
        policy.wrote(decision.kind, batch, nowMs);
        if (decision.kind === 'row') rowBytes += bytes;
        expect(rowBytes).toBeLessThanOrEqual(ROW_BYTES_PER_SECOND * (1 + nowMs / 1000) + 1);
      }
    }),
  );
});
