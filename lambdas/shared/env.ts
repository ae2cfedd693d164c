/**
 * The environment of the functions: one schema per capability, put together per function in its
 * `env.ts`. The stack must satisfy the same schema, so a misspelt or missing name fails the types.
 */
import * as z from 'zod/mini';

const text = z.string().check(z.minLength(1));
const list = z.pipe(
  text,
  z.transform((value: string) => value.split(',')),
);
const whole = (min: number) =>
  z.pipe(
    z.pipe(z.string().check(z.regex(/^\d+$/, 'must be a whole number')), z.transform(Number)),
    z.int().check(z.minimum(min)),
  );

/** The origin whose scripts may read answers; `*` for every one. */
export const HttpEnv = { ALLOWED_ORIGIN: text };
export const StateTableEnv = { STATE_TABLE: text };
export const OutputTableEnv = { OUTPUT_TABLE: text };
/** The two storeys of the log. */
export const OutputLogEnv = { ...OutputTableEnv, OUTPUT_BUCKET: text };
export const AgentGatewayEnv = {
  AGENT_GATEWAY_FUNCTION: text,
  /** In the network with a way out, where that was deployed. */
  OPEN_AGENT_GATEWAY_FUNCTION: z.optional(text),
};
/** API Gateway's management API of the WebSocket's stage. */
export const ConnectionsEnv = { CONNECTIONS_URL: text };
export const RelayFunctionEnv = { RELAY_FUNCTION: text };
export const PoolFunctionEnv = { POOL_FUNCTION: text };
export const ClusterEnv = { CLUSTER: text };
/** What RunTask needs beside the cluster. */
export const LaunchEnv = {
  TASK_DEFINITION: text,
  SUBNETS: list,
  SECURITY_GROUPS: list,
  /** The same of the network with a way out, where that was deployed. */
  OPEN_SUBNETS: z.optional(list),
  OPEN_SECURITY_GROUPS: z.optional(list),
};
/** ARN of the state machine of lives. */
export const LifecycleEnv = { LIFECYCLE_MACHINE: text };
/** `source` of the events that are published. */
export const EventSourceEnv = { EVENT_SOURCE: text };
/** Tasks kept free, of the default size: without and with a way out. */
export const PoolTargetEnv = { POOL_TARGET: whole(0), OPEN_POOL_TARGET: whole(0) };
export const CreateEnv = {
  INTERNET: z.pipe(
    z.enum(['true', 'false']),
    z.transform((value) => value === 'true'),
  ),
  /** What a launch takes as a rule: what a pool miss is told. */
  LAUNCH_ESTIMATE_MS: whole(0),
  MAX_LIVE_SANDBOXES_OF_ALL: whole(1),
  DEFAULT_LIFETIME_MS: whole(1),
  MAX_LIFETIME_MS: whole(1),
};
/** A lease lapses after this long without a renewal. */
export const LeaseEnv = { LEASE_MS: whole(100) };
/** A relay hands over after this long. */
export const RelayLifeEnv = { RELAY_LIFE_MS: whole(100) };
/** A JSON answer, a long poll, a re-attached SSE stream last at most this long. */
export const ReaderEnv = {
  JSON_WAIT_MS: whole(0),
  LONG_POLL_MS: whole(0),
  SSE_LIFE_MS: whole(100),
};

/** A revoked key still works for as long as the authorizer remembers it. */
export const KeyMemoryEnv = { KEY_REMEMBERED_MS: whole(0) };
/** After a pause began, nothing of before it is under way any more. */
export const PauseEnv = { PAUSE_SETTLES_MS: whole(0) };
/** Of a tenant that has no limits of its own. */
export const CallerLimitsEnv = { MAX_LIVE_SANDBOXES: whole(1), REQUESTS_PER_SECOND: whole(1) };

/** Files on their way into a sandbox and out of one. */
export const TransferBucketEnv = { TRANSFER_BUCKET: text };
export const TransferFunctionEnv = { TRANSFER_FUNCTION: text };
/** A copy lapses after this long without a renewal; an answer waits for its end at most so long. */
export const TransferLeaseEnv = { TRANSFER_LEASE_MS: whole(100) };
export const TransferWaitEnv = { TRANSFER_WAIT_MS: whole(0) };

/** What relaying an execution's output needs, whoever does it. */
export const RelayingEnv = {
  ...StateTableEnv,
  ...OutputLogEnv,
  ...AgentGatewayEnv,
  ...RelayFunctionEnv,
  ...ConnectionsEnv,
  ...LeaseEnv,
  ...RelayLifeEnv,
};

/**
 * Parses the environment once per cold start.
 * @throws {Error} naming every variable that is missing or wrong, never their values
 */
export function parseEnv<S extends z.core.$ZodType>(schema: S): z.output<S> {
  const parsed = z.safeParse(schema, process.env);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new Error(`environment of the function: ${problems.join('; ')}`);
}
