/** Events → result. */
import { expect, test } from 'vitest';
import type { Event } from '../../../contract/events.ts';
import { LIMITS } from '../../../contract/limits.ts';
import { Fold } from '../../../core/execution/fold.ts';

const at = '2026-01-01T00:00:00.000Z';

function fold(...events: (Omit<Event, 'seq' | 'at'> & Record<string, unknown>)[]) {
  const result = new Fold();
  for (const [index, event] of events.entries())
    result.add({ seq: index + 1, at, ...event } as Event);
  return result.result();
}

test('text is joined, bytes that are not UTF-8 are shown with replacement characters', () => {
  const result = fold(
    { type: 'stdout', text: 'a' },
    { type: 'stdout', base64: btoa('\xff') },
    { type: 'stderr', text: 'e' },
  );
  expect(result).toMatchObject({
    stdout: 'a\ufffd',
    stderr: 'e',
    stdoutTruncated: false,
    lastSeq: 3,
  });
});

test('what passes 1 MiB is left to the events, and said so', () => {
  const text = 'x'.repeat(LIMITS.summaryBytes);
  expect(fold({ type: 'stdout', text }, { type: 'stdout', text: 'y' })).toMatchObject({
    stdout: text,
    stdoutTruncated: true,
  });
});

test('an update takes the place of what its display showed', () => {
  const show = (displayId: string, value: string, update = false) => ({
    type: 'result' as const,
    main: false,
    displayId,
    update,
    data: { 'text/plain': value },
  });
  const { results } = fold(show('a', '1'), show('b', '2'), show('a', '3', true));
  expect(results.map(({ data }) => data?.['text/plain'])).toEqual(['3', '2']);
});

test('the end says how it ended', () => {
  const finished = {
    type: 'finished' as const,
    outcome: 'killed' as const,
    exitCode: 137,
    signal: 'SIGKILL',
    metrics: { wallMs: 5 },
  };
  expect(fold({ type: 'truncated', droppedBytes: 3 }, finished)).toMatchObject({
    status: 'finished',
    outcome: 'killed',
    exitCode: 137,
    truncated: true,
  });
  expect(fold({ ...finished, outcome: 'lost', exitCode: null })).toMatchObject({
    status: 'lost',
    exitCode: null,
  });
  expect(fold({ type: 'stdout', text: '' })).not.toHaveProperty('status');
});

const shown = (value: string, over: Record<string, unknown> = {}) => ({
  type: 'result' as const,
  main: false,
  data: { 'text/plain': value },
  ...over,
});

test('results over 4 MiB in sum are left to the events, and said so', () => {
  const large = 'x'.repeat(1_400_000);
  const result = fold(shown(large), shown(large), shown('a'), shown(large), shown('b'));
  const kept = [shown(large), shown(large), shown('a'), shown('b')];
  expect(result.results.map(({ data }) => data)).toEqual(kept.map(({ data }) => data));
  expect(result.resultsTruncated).toBe(true);
  expect(fold(shown(large), shown(large)).resultsTruncated).toBe(false);
});

test('a display that is updated many times counts as large as it is now', () => {
  const frame = (update: boolean) => shown('x'.repeat(1_000_000), { displayId: 'd', update });
  const result = fold(frame(false), ...Array.from({ length: 20 }, () => frame(true)), shown('a'));
  expect(result.results).toHaveLength(2);
  expect(result.resultsTruncated).toBe(false);
  const grown = fold(
    shown('small', { displayId: 'd' }),
    shown('x'.repeat(5_000_000), { displayId: 'd', update: true }),
  );
  expect(grown).toMatchObject({
    resultsTruncated: true,
    results: [{ data: { 'text/plain': 'small' } }],
  });
});
