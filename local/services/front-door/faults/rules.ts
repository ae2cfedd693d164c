/** What a fault rule may say, parsed at the control port. It picks nothing and does nothing. */
import { z } from 'zod';

const LONGEST_DELAY_MS = 600_000;

/** As AWS names errors; the answer's other words are ours. */
const ErrorCode = z
  .string()
  .regex(/^[A-Za-z.]{1,80}$/, 'an error code has 1 to 80 letters, such as AccessDeniedException');

const Fault = z.discriminatedUnion(
  'type',
  [
    /** Not carried out, answered with an error; without a code, the service's own internal one, which SDKs try again. */
    z.strictObject({
      type: z.literal('refuse'),
      code: ErrorCode.optional(),
      status: z.int().min(400).max(599).optional(),
      message: z.string().max(1000).optional(),
    }),
    /** Not carried out, answered as the service throttles. */
    z.strictObject({ type: z.literal('throttle') }),
    /** Carried out later, also for a caller that has left by then; removing the rule ends the wait. */
    z.strictObject({ type: z.literal('delay'), ms: z.int().min(1).max(LONGEST_DELAY_MS) }),
    /** Carried out twice, the second time's answer is the caller's. */
    z.strictObject({ type: z.literal('repeat') }),
    /** The connection is cut behind so many bytes of a body. A request that is cut is not carried out. */
    z.strictObject({
      type: z.literal('cut'),
      of: z.enum(['request', 'response']),
      atByte: z.int().min(0),
    }),
    /** Carried out; instead of the answer the connection ends. */
    z.strictObject({ type: z.literal('lost-answer') }),
    /** Of an asynchronous event only: accepted, and never delivered. */
    z.strictObject({ type: z.literal('drop') }),
  ],
  'a fault has the type refuse, throttle, delay, repeat, cut, lost-answer or drop',
);

/** The delivery of an accepted asynchronous event to its function, as if it were an action of Lambda. */
export const DELIVERY = 'DeliverEvent';
const DELIVERY_FAULTS = new Set(['delay', 'repeat', 'drop']);

const pattern = z.string().min(1).max(200);

export const FaultRule = z
  .strictObject({
    /** As the signature names it: dynamodb, lambda, s3, ecs, states, events, execute-api. */
    service: z
      .string()
      .regex(/^[a-z0-9-]{1,40}$/, 'a service is named as in a signature: dynamodb'),
    /** As `GET /requests` names it; `*` and `?` are wildcards here and below. */
    action: pattern.optional(),
    /** The function that signed. */
    function: pattern.optional(),
    /** A table, function, bucket/key, cluster, machine, bus or connection that the request names. */
    resource: pattern.optional(),
    /** How often it strikes; then it stays in the list and does nothing. */
    times: z.int().min(1).max(1_000_000).optional(),
    /** How likely it strikes, each time. */
    probability: z.number().gt(0).max(1).optional(),
    fault: Fault,
  })
  .refine((rule) => rule.times === undefined || rule.probability === undefined, {
    error: 'give times or probability, not both',
  })
  .refine((rule) => rule.action === DELIVERY || rule.fault.type !== 'drop', {
    error: `only an event can be dropped: give the action ${DELIVERY}`,
  })
  .refine((rule) => rule.action !== DELIVERY || DELIVERY_FAULTS.has(rule.fault.type), {
    error: `an event on its way to its function (action ${DELIVERY}) can be delayed, repeated or dropped`,
  });

export type FaultRule = z.output<typeof FaultRule>;
export type Fault = FaultRule['fault'];
