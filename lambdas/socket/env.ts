/** What the `socket` function reads from its environment. */
import * as z from 'zod/mini';
import {
  AgentGatewayEnv,
  ConnectionsEnv,
  KeyMemoryEnv,
  OutputLogEnv,
  RelayFunctionEnv,
  StateTableEnv,
} from '../shared/env.ts';

export const SocketEnv = z.object({
  ...StateTableEnv,
  ...OutputLogEnv,
  ...AgentGatewayEnv,
  ...RelayFunctionEnv,
  ...ConnectionsEnv,
  ...KeyMemoryEnv,
});
