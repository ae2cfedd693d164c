import { describe, expect, it } from 'vitest';
import { parseSchedule } from '../../../local/services/event-bridge/schedule.ts';

const next = (expression: string, from: string) =>
  new Date(parseSchedule(expression)(Date.parse(from))).toISOString();

describe('a schedule', () => {
  it.each([
    ['rate(1 minute)', '2026-11-21T10:00:00Z', '2026-11-21T10:01:00.000Z'],
    ['rate(2 hours)', '2026-11-21T10:00:00Z', '2026-11-21T12:00:00.000Z'],
    ['cron(0 3 * * ? *)', '2026-11-21T10:00:00Z', '2026-11-22T03:00:00.000Z'],
    ['cron(*/15 * * * ? *)', '2026-11-21T10:01:00Z', '2026-11-21T10:15:00.000Z'],
    // 2026-11-21 is a Saturday; EventBridge counts Sunday as 1.
    ['cron(0 0 ? * 2 *)', '2026-11-21T10:00:00Z', '2026-11-23T00:00:00.000Z'],
    ['cron(0 8 ? * MON-FRI *)', '2026-11-21T10:00:00Z', '2026-11-23T08:00:00.000Z'],
    ['cron(0 8 1 * ? *)', '2026-11-21T10:00:00Z', '2026-12-01T08:00:00.000Z'],
  ])('%s after %s is %s', (expression, from, expected) => {
    expect(next(expression, from)).toBe(expected);
  });

  it.each([
    'rate(1 minutes)',
    'rate(5 minute)',
    'rate(0 minutes)',
    'cron(0 3 * * *)',
    'cron(0 3 * * * *)',
    'cron(0 3 * * ? 2027)',
    'cron(0 99 * * ? *)',
    'every minute',
  ])('%s is refused with its text', (expression) => {
    expect(() => parseSchedule(expression)).toThrow(expression);
  });
});
