/**
 * When a rule's schedule fires next: `rate(5 minutes)` counts from the last time, `cron(0 3 * * ? *)` is in UTC.
 * Pure: the caller holds clock and timer.
 */
import { CronExpressionParser } from 'cron-parser';

class ScheduleError extends Error {
  override readonly name = 'ScheduleError';
}

/** The instant after `from`, in milliseconds since 1970. */
export type Schedule = (from: number) => number;

const unitMs: Readonly<Record<string, number>> = {
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
};

function rate(expression: string, argument: string): Schedule {
  const [, count = '', unit = '', plural = ''] =
    /^([1-9]\d*) (minute|hour|day)(s?)$/.exec(argument) ?? [];
  const ms = unitMs[unit];
  if (ms === undefined || (count === '1') !== (plural === ''))
    throw new ScheduleError(`${expression}: a rate is "1 minute", "5 minutes", "1 hour" …`);
  return (from) => from + Number(count) * ms;
}

/** EventBridge counts weekdays from 1 (Sunday), cron from 0. */
function weekdays(argument: string): string {
  return argument.replaceAll(/(?<![#/\w])([1-7])/g, (day) => String(Number(day) - 1));
}

function cron(expression: string, argument: string): Schedule {
  const [minute, hour, day = '', month, weekday = '', year, more] = argument.split(/\s+/);
  if (year === undefined || more !== undefined)
    throw new ScheduleError(`${expression}: cron takes six fields, the last one is the year`);
  if (year !== '*') throw new ScheduleError(`${expression}: a year other than * is not supported`);
  if ((day === '?') === (weekday === '?'))
    throw new ScheduleError(`${expression}: exactly one of day-of-month and day-of-week must be ?`);
  const fields = [minute, hour, day.replace('?', '*'), month, weekdays(weekday).replace('?', '*')];
  const parse = (from: number) => {
    try {
      return CronExpressionParser.parse(fields.join(' '), {
        currentDate: new Date(from),
        tz: 'UTC',
      });
    } catch (cause) {
      throw new ScheduleError(`${expression}: not a cron expression`, { cause });
    }
  };
  parse(0);
  return (from) => parse(from).next().getTime();
}

export function parseSchedule(expression: string): Schedule {
  const [, kind, argument = ''] = /^(rate|cron)\(([^()]+)\)$/.exec(expression) ?? [];
  if (kind === 'rate') return rate(expression, argument);
  if (kind === 'cron') return cron(expression, argument);
  throw new ScheduleError(`${expression}: a schedule is rate(…) or cron(…)`);
}
