/** What the `pool` function reads from its environment. */
import * as z from 'zod/mini';
import {
  ClusterEnv,
  LaunchEnv,
  PoolTargetEnv,
  RelayFunctionEnv,
  StateTableEnv,
} from '../shared/env.ts';

export const PoolEnv = z.object({
  ...StateTableEnv,
  ...ClusterEnv,
  ...LaunchEnv,
  ...PoolTargetEnv,
  ...RelayFunctionEnv,
});
