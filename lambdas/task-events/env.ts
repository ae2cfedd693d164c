/** What the `task-events` function reads from its environment. */
import * as z from 'zod/mini';
import {
  AgentGatewayEnv,
  ClusterEnv,
  OutputLogEnv,
  PoolFunctionEnv,
  StateTableEnv,
} from '../shared/env.ts';

export const TaskEventsEnv = z.object({
  ...StateTableEnv,
  ...OutputLogEnv,
  ...AgentGatewayEnv,
  ...ClusterEnv,
  ...PoolFunctionEnv,
});
