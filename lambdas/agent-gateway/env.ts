/** What `agent-gateway` reads from its environment: which host it may send bytes to beside agents. */
import * as z from 'zod/mini';

export const AgentGatewayEnv = z.object({
  /** The transfer bucket's own name of a host: `<bucket>.s3.<region>.amazonaws.com`. */
  TRANSFER_HOST: z.string().check(z.minLength(1)),
  /** Set by a stand-in, whose objects lie there by path; AWS does not set it. */
  AWS_ENDPOINT_URL: z.optional(z.string()),
});
export type AgentGatewayEnv = z.infer<typeof AgentGatewayEnv>;
