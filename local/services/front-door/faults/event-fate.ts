/** What a fault does to an asynchronous event on its way to its function. */
import type { EventFate } from '../../lambda/async-events.ts';
import type { Strike } from './fault-switch.ts';

export function fateUnder({ fault, hold }: Strike): EventFate {
  const copies = fault.type === 'drop' ? 0 : fault.type === 'repeat' ? 2 : 1;
  return { copies, ...(fault.type === 'delay' ? { held: () => hold(fault.ms) } : {}) };
}
