/** What the `files` function reads from its environment. */
import * as z from 'zod/mini';
import {
  AgentGatewayEnv,
  HttpEnv,
  StateTableEnv,
  TransferBucketEnv,
  TransferFunctionEnv,
  TransferLeaseEnv,
  TransferWaitEnv,
} from '../shared/env.ts';

export const FilesEnv = z.object({
  ...HttpEnv,
  ...StateTableEnv,
  ...AgentGatewayEnv,
  ...TransferBucketEnv,
  ...TransferFunctionEnv,
  ...TransferLeaseEnv,
  ...TransferWaitEnv,
});
