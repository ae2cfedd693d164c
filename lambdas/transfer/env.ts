/** What the `transfer` function reads from its environment. */
import * as z from 'zod/mini';
import {
  AgentGatewayEnv,
  StateTableEnv,
  TransferBucketEnv,
  TransferLeaseEnv,
} from '../shared/env.ts';

export const TransferEnv = z.object({
  ...StateTableEnv,
  ...AgentGatewayEnv,
  ...TransferBucketEnv,
  ...TransferLeaseEnv,
});
