/** What the `executions` function reads from its environment. */
import * as z from 'zod/mini';
import {
  ClusterEnv,
  CreateEnv,
  HttpEnv,
  LifecycleEnv,
  PoolFunctionEnv,
  ReaderEnv,
  RelayingEnv,
} from '../shared/env.ts';

export const ExecutionsEnv = z.object({
  ...RelayingEnv,
  ...HttpEnv,
  ...ReaderEnv,
  ...PoolFunctionEnv,
  ...ClusterEnv,
  ...LifecycleEnv,
  ...CreateEnv,
});
