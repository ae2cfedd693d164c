import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boundBundle, boundError, cutText } from '../../../containers/agent/executions/values.ts';
import { LIMITS } from '../../../contract/limits.ts';

describe('a result', () => {
  it('stays as it is up to its limit', () => {
    const data = { 'text/plain': 'x'.repeat(1_000_000), 'application/json': { a: [1, null] } };
    expect(boundBundle(data).data).toBe(data);
  });

  it('over its limit keeps its text form, with a mark', () => {
    const data = { 'text/plain': 'a table', 'image/png': 'A'.repeat(LIMITS.resultBytes) };
    const bound = boundBundle(data);
    expect(Object.keys(bound.data)).toEqual(['text/plain']);
    expect(bound.data['text/plain']).toMatch(/^a table\n\[the result has \d+ bytes, 16777216 are/);
  });

  it('whose text is itself too large is cut', () => {
    const { sizeBytes } = boundBundle({ 'text/plain': 'x'.repeat(LIMITS.resultBytes) });
    expect(sizeBytes).toBeLessThan(LIMITS.resultInlineBytes + 1_000);
  });
});

describe('an error', () => {
  it('is cut to its limit with a mark, and keeps its two ends', () => {
    const traceback = `first line\n${'é'.repeat(40_000)}\nlast line`;
    const bound = boundError({ name: 'E', value: 'short', traceback });
    expect(bound.value).toBe('short');
    expect(bound.traceback).toMatch(/^first line\n/);
    expect(bound.traceback).toMatch(/\nlast line$/);
    expect(bound.traceback).toContain('80021 bytes, 16384 are kept');
    expect(Buffer.byteLength(bound.traceback)).toBeLessThanOrEqual(LIMITS.errorTextBytes);
  });

  it('never holds half a character', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 400 }),
        fc.integer({ min: 80, max: 300 }),
        (any, limit) => {
          // What a half would be shown as.
          const text = any.replaceAll('\ufffd', '');
          const result = cutText(text, limit);
          expect(Buffer.byteLength(result)).toBeLessThanOrEqual(Math.max(limit, 0));
          expect(result).not.toContain('\ufffd');
        },
      ),
    );
  });
});
