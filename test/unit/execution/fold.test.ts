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
