/** What the `executions` function reads from its environment. */
import * as z from 'zod/mini';
import {
  AgentGatewayEnv,
  HttpEnv,
  LeaseEnv,
  OutputLogEnv,
  ReaderEnv,
  RelayFunctionEnv,
  RelayLifeEnv,
  StateTableEnv,
} from '../shared/env.ts';

export const ExecutionsEnv = z.object({
  ...HttpEnv,
  ...StateTableEnv,
  ...OutputLogEnv,
  ...AgentGatewayEnv,
  ...RelayFunctionEnv,
  ...LeaseEnv,
  ...RelayLifeEnv,
  ...ReaderEnv,
});
