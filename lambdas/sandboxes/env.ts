/** What the `sandboxes` function reads from its environment. */
import * as z from 'zod/mini';
import {
  AgentGatewayEnv,
  ClusterEnv,
  CreateEnv,
  HttpEnv,
  LifecycleEnv,
  OutputTableEnv,
  PoolFunctionEnv,
  RelayFunctionEnv,
  StateTableEnv,
} from '../shared/env.ts';

export const SandboxesEnv = z.object({
  ...HttpEnv,
  ...StateTableEnv,
  ...OutputTableEnv,
  ...AgentGatewayEnv,
  ...PoolFunctionEnv,
  ...RelayFunctionEnv,
  ...ClusterEnv,
  ...LifecycleEnv,
  ...CreateEnv,
});
