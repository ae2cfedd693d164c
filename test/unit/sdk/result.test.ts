import { expect, test } from 'vitest';
import type { Event } from '../../../contract/events.ts';
import { ResultFold } from '../../../sdk/typescript/src/result.ts';

const at = '2030-01-01T00:00:00.000Z';
const fold = (events: object[]) => {
  const folding = new ResultFold();
  for (const [i, event] of events.entries()) folding.add({ seq: i + 1, at, ...event } as Event);
  return folding.result;
};

test('an update replaces what was displayed under its id; without one it is a result of its own', () => {
  const show = (text: string, rest: object = {}) => ({
    type: 'result',
    main: false,
    data: { 'text/plain': text },
    ...rest,
  });
  const { results } = fold([
    show('a', { displayId: 'd' }),
    show('b'),
    show('c', { displayId: 'd', update: true }),
    show('e', { displayId: 'x', update: true }),
    { type: 'result', main: true, ref: { url: 'u', sizeBytes: 3, mime: 'image/png' } },
  ]);
  expect(results).toEqual([
    { main: false, displayId: 'd', data: { 'text/plain': 'c' } },
    { main: false, data: { 'text/plain': 'b' } },
    { main: false, displayId: 'x', data: { 'text/plain': 'e' } },
    { main: true, ref: { url: 'u', sizeBytes: 3, mime: 'image/png' } },
  ]);
});

test('a killed run whose output was cut off says both', () => {
  const result = fold([
    { type: 'started', executionId: 'ex1' },
    { type: 'limit', limit: 'output', value: 10 },
    { type: 'truncated', droppedBytes: 5 },
    {
      type: 'finished',
      outcome: 'killed',
      exitCode: 137,
      signal: 'SIGKILL',
      metrics: { wallMs: 2 },
    },
  ]);
  expect(result).toMatchObject({
    executionId: 'ex1',
    truncated: true,
    outcome: 'killed',
    exitCode: 137,
    metrics: { wallMs: 2 },
  });
});
