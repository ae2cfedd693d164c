import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { EventLog } from '../../../sdk/typescript/src/events/log.ts';

const at = '2030-01-01T00:00:00.000Z';
const line = (seq: number) => ({ seq, at, type: 'stdout', text: `${seq}\n` });
const finished = (seq: number) => ({
  seq,
  at,
  type: 'finished',
  outcome: 'ok',
  exitCode: 0,
  metrics: { wallMs: 1 },
});

test('whatever is sent again and wherever it resumes, each event is taken once in order', () => {
  const resumes = fc.array(fc.record({ back: fc.nat(20), count: fc.integer({ min: 1, max: 20 }) }));
  fc.assert(
    fc.property(resumes, (resumes) => {
      const log = new EventLog();
      const taken: unknown[] = [];
      for (const { back, count } of resumes) {
        const from = Math.max(1, log.cursor + 1 - back);
        for (let seq = from; seq < from + count; seq += 1) {
          const event = log.take(line(seq));
          if (event) taken.push(event.seq);
        }
      }
      expect(taken).toEqual(Array.from({ length: log.cursor }, (_, i) => i + 1));
    }),
  );
});

test('a gap is a cut and changes nothing', () => {
  const log = new EventLog();
  log.take(line(1));
  expect(() => log.take(line(3))).toThrow('event 2 is missing');
  expect(log.cursor).toBe(1);
  expect(log.take(line(2))).toMatchObject({ seq: 2 });
});

test('an unknown type takes its place and is skipped; what has no seq is no event', () => {
  const log = new EventLog();
  expect(log.take({ seq: 1, type: 'hologram', anything: [1] })).toBeUndefined();
  for (const value of [null, 1, 'x', {}, { seq: 0, type: 'stdout' }, { keepalive: true }]) {
    expect(log.take(value)).toBeUndefined();
  }
  expect(log.take(line(2))).toMatchObject({ seq: 2 });
});

test('a known type of another shape is an error, not a silent loss', () => {
  const log = new EventLog();
  expect(() => log.take({ seq: 1, at, type: 'stdout', text: 7 })).toThrow(
    expect.objectContaining({ code: 'INVALID_ANSWER' }),
  );
});

test('nothing is taken after finished', () => {
  const log = new EventLog();
  expect(log.take(finished(1))).toMatchObject({ type: 'finished' });
  expect(log.finished).toBe(true);
  expect(log.take(line(2))).toBeUndefined();
});
