/** What the `lifecycle` function reads from its environment. */
import * as z from 'zod/mini';
import {
  AgentGatewayEnv,
  ClusterEnv,
  EventSourceEnv,
  LaunchEnv,
  LifecycleEnv,
  OutputTableEnv,
  RelayFunctionEnv,
  StateTableEnv,
} from '../shared/env.ts';

export const LifecycleFunctionEnv = z.object({
  ...StateTableEnv,
  ...AgentGatewayEnv,
  ...ClusterEnv,
  ...LaunchEnv,
  ...RelayFunctionEnv,
  ...LifecycleEnv,
  ...OutputTableEnv,
  ...EventSourceEnv,
});
