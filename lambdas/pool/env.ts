/** What the `pool` function reads from its environment. */
import * as z from 'zod/mini';
import {
  AgentGatewayEnv,
  ClusterEnv,
  EventSourceEnv,
  LaunchEnv,
  LifecycleEnv,
  OutputTableEnv,
  PauseEnv,
  PoolTargetEnv,
  RelayFunctionEnv,
  StateTableEnv,
} from '../shared/env.ts';

export const PoolEnv = z.object({
  ...StateTableEnv,
  ...OutputTableEnv,
  ...ClusterEnv,
  ...LaunchEnv,
  ...PoolTargetEnv,
  ...RelayFunctionEnv,
  ...AgentGatewayEnv,
  ...LifecycleEnv,
  ...EventSourceEnv,
  ...PauseEnv,
});
