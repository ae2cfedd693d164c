/** JSON as it passes through a state machine, and the one size that Step Functions allows for a piece of it. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** Input, output, arguments and results: at most this many bytes of UTF-8. */
export const PAYLOAD_BYTES = 262_144;

export function isWithinPayload(text: string): boolean {
  return Buffer.byteLength(text) <= PAYLOAD_BYTES;
}
