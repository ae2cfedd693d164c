/** What the `sandboxes` function reads from its environment. */
import * as z from 'zod/mini';
import {
  AgentGatewayEnv,
  ClusterEnv,
  CreateEnv,
  HttpEnv,
  OutputLogEnv,
  PoolFunctionEnv,
  StateTableEnv,
} from '../shared/env.ts';

export const SandboxesEnv = z.object({
  ...HttpEnv,
  ...StateTableEnv,
  ...OutputLogEnv,
  ...AgentGatewayEnv,
  ...PoolFunctionEnv,
  ...ClusterEnv,
  ...CreateEnv,
});
