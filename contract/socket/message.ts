/**
 * The envelope of every message on the WebSocket, one JSON object a frame, and how one is read.
 * What may stand in it is in `to-server.ts` and `from-server.ts`.
 */
import * as z from 'zod/mini';

export const MESSAGE_VERSION = '1';

/** Chosen by whoever sends: a repeat of a message has the same. */
export const MessageId = z
  .string()
  .check(z.regex(/^[\x21-\x7e]{1,192}$/, 'must be 1 to 192 visible ASCII characters'));

const Short = z.string().check(z.minLength(1), z.maxLength(256));
const Notes = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));

/** All but `type` and `payload`. */
const HEAD = {
  id: MessageId,
  /** Milliseconds since the epoch. */
  timestamp: z.number(),
  version: z.literal(MESSAGE_VERSION),
  source: Short,
  target: z.optional(Short),
  /** Id of the message that this one answers. */
  correlationId: z.optional(MessageId),
  replyTo: z.optional(Short),
  /** Milliseconds. Carried, as the four below are; the service acts on none of them. */
  ttl: z.optional(z.number()),
  priority: z.optional(z.int().check(z.minimum(0), z.maximum(3))),
  headers: z.optional(Notes),
  metadata: z.optional(Notes),
};

/** Of a message to the server: what the envelope does not name is refused. */
export const envelopeOf = <T extends readonly [string, ...string[]]>(types: T) =>
  z.strictObject({ ...HEAD, type: z.enum(types), payload: z.unknown() });

/** Of a message from the server: a later version may add to it. */
export const openEnvelope = z.object({ ...HEAD, type: z.string(), payload: z.unknown() });

const Envelope = z.object(HEAD);
export type Envelope = z.infer<typeof Envelope>;

export type Payloads = Readonly<Record<string, z.core.$ZodType>>;

/** A message of one of these types, with its payload's own type. */
export type MessageOf<P extends Payloads, T extends keyof P = keyof P> = {
  readonly [K in T]: Envelope & { readonly type: K; readonly payload: z.output<P[K]> };
}[T];
