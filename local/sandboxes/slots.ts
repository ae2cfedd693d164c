/**
 * Hands out slots. A slot is a loopback address and a range of 65,536 uids, both of its number.
 * Listening on the address is the lock: exclusive on the whole machine, and free again when its owner
 * has died. Must never need a file to know what is taken.
 */
import { randomInt } from 'node:crypto';
import { AGENT_PORT, Forwarder } from './forwarder.ts';

const SLOTS = 16_384;
const ATTEMPTS = 512;
const FIRST_UID = 500_000;
const RANGE = 65_536;

export const UIDS_PER_SLOT = RANGE;

export function firstUidOfSlot(slot: number): number {
  return FIRST_UID + RANGE * slot;
}

/** Starts at a random slot, so that drivers which know nothing of each other seldom try the same. */
export async function takeSlot(port = AGENT_PORT): Promise<Forwarder> {
  const first = randomInt(SLOTS);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const slot = 1 + ((first + attempt) % (SLOTS - 1));
    const forwarder = await Forwarder.open(slot, port);
    if (forwarder !== undefined) return forwarder;
  }
  throw new Error(
    `no free address in 127.64.0.0/10 after ${ATTEMPTS} tries: something listens on port ${port} of every address (0.0.0.0), or too many sandboxes run`,
  );
}
