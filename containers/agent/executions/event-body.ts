/** An event before the agent has given it a number and a time. */
import type { Event } from '../../../contract/events.ts';

type WithoutHead<T> = T extends unknown ? Omit<T, 'seq' | 'at'> : never;
export type EventBody = WithoutHead<Event>;
