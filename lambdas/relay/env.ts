/** What the `relay` function reads from its environment. */
import * as z from 'zod/mini';
import {
  AgentGatewayEnv,
  LeaseEnv,
  OutputLogEnv,
  RelayFunctionEnv,
  RelayLifeEnv,
  StateTableEnv,
} from '../shared/env.ts';

export const RelayEnv = z.object({
  ...StateTableEnv,
  ...OutputLogEnv,
  ...AgentGatewayEnv,
  ...RelayFunctionEnv,
  ...LeaseEnv,
  ...RelayLifeEnv,
});
