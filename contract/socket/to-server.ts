/**
 * The messages that a client sends: a row for each type, with the least role that may send it.
 * Each is answered by one message whose `correlationId` is its id, but for `ack`, which is answered
 * only where it is wrong.
 */
import * as z from 'zod/mini';
import { StdinPart } from '../agent/protocol.ts';
import { ExecutionId, SandboxId } from '../ids.ts';
import { parse } from '../parse.ts';
import { ExecuteBody } from '../rest/executions.ts';
import type { Role } from '../rest/operation.ts';
import { envelopeOf, type MessageOf } from './message.ts';

/** 0: neither acks nor resending. 1: resent from the last ack. 2: as 1, and the client drops doubles. */
export const Delivery = z._default(z.union([z.literal(0), z.literal(1), z.literal(2)]), 1);
export type Delivery = z.output<typeof Delivery>;

const IdempotencyKey = z
  .string()
  .check(z.regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 visible ASCII characters'));
const Seq = z.int().check(z.nonnegative());

interface Row {
  readonly role: Role;
  readonly payload: z.core.$ZodType;
}

export const TO_SERVER = {
  /**
   * Runs code and subscribes the connection to it from its first event. A repeat with the same id
   * starts nothing again. Code that does not fit a message goes by REST.
   */
  'execution.start': {
    role: 'developer',
    payload: z.strictObject({
      sandboxId: SandboxId,
      ...ExecuteBody.shape,
      delivery: Delivery,
      /** In place of the message's id, and the same as the header of executeCode. */
      idempotencyKey: z.optional(IdempotencyKey),
    }),
  },
  /**
   * As writeStdin: messages of one connection may be handled in any order, so the parts carry theirs.
   * A text that does not fit a message goes in several, or by REST.
   */
  'execution.stdin': {
    role: 'developer',
    payload: z.strictObject({ executionId: ExecutionId, ...StdinPart.shape }),
  },
  'execution.interrupt': {
    role: 'developer',
    payload: z.strictObject({ executionId: ExecutionId }),
  },
  /**
   * An execution, from the event after `after` on; or a sandbox: its executions that start from now
   * on, and those that run from their first event. Again: from `after`, or from the last ack.
   */
  subscribe: {
    role: 'viewer',
    payload: z.union([
      z.strictObject({ executionId: ExecutionId, after: z.optional(Seq), delivery: Delivery }),
      z.strictObject({ sandboxId: SandboxId, delivery: Delivery }),
    ]),
  },
  unsubscribe: {
    role: 'viewer',
    payload: z.union([
      z.strictObject({ executionId: ExecutionId }),
      z.strictObject({ sandboxId: SandboxId }),
    ]),
  },
  /** All up to `seq` has arrived. Due at least each 64 KiB and each 4 s while events come. */
  ack: { role: 'viewer', payload: z.strictObject({ executionId: ExecutionId, seq: Seq }) },
  /** Send what follows `after`: at most 256 KiB, then `more` again or the pushing goes on. */
  more: { role: 'viewer', payload: z.strictObject({ executionId: ExecutionId, after: Seq }) },
  'system.ping': { role: 'viewer', payload: z.strictObject({}) },
} as const satisfies Record<string, Row>;

export type ToServerType = keyof typeof TO_SERVER;
type PayloadsToServer = { readonly [T in ToServerType]: (typeof TO_SERVER)[T]['payload'] };
export type ToServer<T extends ToServerType = ToServerType> = MessageOf<PayloadsToServer, T>;

const TYPES = Object.keys(TO_SERVER) as [ToServerType, ...ToServerType[]];
const ToServerEnvelope = envelopeOf(TYPES);

/** @throws {AppError} VALIDATION_ERROR that names the field, the value and what is allowed */
export function parseToServer(message: unknown): ToServer {
  const envelope = parse(ToServerEnvelope, message, 'message');
  const payload = parse(TO_SERVER[envelope.type].payload, envelope.payload, 'payload');
  return { ...envelope, payload } as ToServer;
}
