/** What a log must be for the smoke test to call it whole. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Event } from '../../../contract/events.ts';
import { assertWhole } from '../../../tools/smoke/whole-log.ts';

const at = '2026-01-01T00:00:00.000Z';
const line = (seq: number): Event => ({ seq, at, type: 'stdout', text: `line ${seq}\n` });
const finished = (seq: number, outcome: 'ok' | 'killed' = 'ok'): Event => ({
  seq,
  at,
  type: 'finished',
  outcome,
  exitCode: 0,
  metrics: { wallMs: 1 },
});
const log = (lines: number): Event[] => [
  ...Array.from({ length: lines }, (_, index) => line(index + 1)),
  finished(lines + 1),
];
const stdoutOf = (lines: number) =>
  Array.from({ length: lines }, (_, index) => `line ${index + 1}\n`).join('');

test('a whole log passes', () => {
  expect(() => assertWhole(log(9), { stdout: stdoutOf(9) })).not.toThrow();
});

test('a log without any one event, or with one twice, does not', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.nat(), fc.boolean(), (lines, pick, twice) => {
      const events = log(lines);
      const at = pick % events.length;
      const broken = twice ? events.toSpliced(at, 0, events[at]!) : events.toSpliced(at, 1);
      expect(() => assertWhole(broken, { stdout: stdoutOf(lines) })).toThrow(
        /were lost|came again|ends with/,
      );
    }),
  );
});

test('an end that is not the code its own, or other text, does not', () => {
  const killed = [line(1), finished(2, 'killed')];
  expect(() => assertWhole(killed, { stdout: 'line 1\n' })).toThrow('ended as killed');
  expect(() => assertWhole(log(1), { stdout: 'line 2\n!' })).toThrow('output differs');
});
