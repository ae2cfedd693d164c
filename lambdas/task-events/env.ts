/** What the `task-events` function reads from its environment. */
import * as z from 'zod/mini';
import {
  AgentGatewayEnv,
  ClusterEnv,
  LifecycleEnv,
  PoolFunctionEnv,
  StateTableEnv,
} from '../shared/env.ts';

export const TaskEventsEnv = z.object({
  ...StateTableEnv,
  ...AgentGatewayEnv,
  ...ClusterEnv,
  ...PoolFunctionEnv,
  ...LifecycleEnv,
});
