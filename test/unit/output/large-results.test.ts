/** What readers get of a large result. */
import { expect, test } from 'vitest';
import type { EventOf } from '../../../contract/events.ts';
import { LIMITS } from '../../../contract/limits.ts';
import { byReference } from '../../../core/output/large-results.ts';
import { executionId } from '../../helpers/records.ts';

const id = executionId();
const result = (text: string, more: object = {}): EventOf<'result'> => ({
  seq: 7,
  at: '2026-01-01T00:00:00.000Z',
  type: 'result',
  main: true,
  data: { 'text/plain': text },
  ...more,
});

test('a result stands inline up to 256 KiB of JSON, in bytes, and by reference above', () => {
  const frame = JSON.stringify({ 'text/plain': '' }).length;
  // Two bytes each.
  const text = 'é'.repeat(Math.floor((LIMITS.resultInlineBytes - frame) / 2));
  expect(byReference(id, result(text))).toEqual(result(text));
  const { data, ...head } = result(`${text}xx`);
  expect(byReference(id, { ...head, data })).toEqual({
    ...head,
    ref: {
      url: `/executions/${id}/results/7`,
      executionId: id,
      seq: 7,
      sizeBytes: expect.any(Number),
      mime: 'application/json',
    },
  });
});

test('a reference that an agent made is not handed on', () => {
  const ref = {
    url: 'https://elsewhere',
    executionId: 'ex',
    seq: 1,
    sizeBytes: 1,
    mime: 'application/json',
  };
  expect(byReference(id, result('x', { ref }))).toEqual(result('x'));
});
