/** What the `pool` function reads from its environment. */
import * as z from 'zod/mini';
import {
  ClusterEnv,
  LaunchEnv,
  OutputTableEnv,
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
});
