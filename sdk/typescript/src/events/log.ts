/**
 * The reader's side of an execution's log: each event once, in order, without a gap. It decides
 * what is new, what was seen and what is missing; it never reads anything itself.
 */
import * as z from 'zod/mini';
import { Event } from '../../../../contract/events.ts';
import { parse } from '../../../../contract/parse.ts';
import { invalidAnswer } from '../errors.ts';
import { Cut } from './cut.ts';

/** What each event has, those of a later version too. */
const Head = z.object({ seq: z.int().check(z.positive()), type: z.string() });

const KNOWN: ReadonlySet<unknown> = new Set(
  Event.def.options.flatMap(({ shape }) => shape.type.def.values),
);

export class EventLog {
  /** Seq of the last event taken. */
  cursor: number;
  /** True once `finished` was taken: nothing comes after it. */
  finished = false;

  constructor(after = 0) {
    this.cursor = after;
  }

  /**
   * The event if it is the next one and of a type that this version knows. An unknown type takes
   * its place in the sequence and is skipped; one that was seen is dropped.
   *
   * @throws {Cut} where events before this one are missing
   */
  take(value: unknown): Event | undefined {
    const head = z.safeParse(Head, value);
    if (!head.success) return undefined;
    const { seq, type } = head.data;
    if (seq <= this.cursor || this.finished) return undefined;
    if (seq !== this.cursor + 1) {
      throw new Cut('gap', `event ${this.cursor + 1} is missing, the next one is ${seq}`);
    }
    const event = KNOWN.has(type) ? readEvent(value, seq) : undefined;
    this.cursor = seq;
    this.finished = event?.type === 'finished';
    return event;
  }
}

function readEvent(value: unknown, seq: number): Event {
  try {
    return parse(Event, value, `event ${seq}`);
  } catch (cause) {
    // Dropping it would lose output without a word.
    throw invalidAnswer(`An event has another shape than this version knows: ${String(cause)}`, {
      cause,
    });
  }
}
