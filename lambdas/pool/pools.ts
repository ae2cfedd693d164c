/** The warm pools of this deployment: the default size, in each network that was deployed. */
import { RUNTIMES } from '../../contract/runtimes.ts';
import type { PoolTarget } from '../../core/pool/pool-task.ts';
import { DEFAULT_SIZE } from '../../core/sandbox/sizes.ts';

export function warmPools(env: {
  readonly POOL_TARGET: number;
  readonly OPEN_POOL_TARGET: number;
  readonly OPEN_SUBNETS?: string[] | undefined;
}): PoolTarget[] {
  const { imageTarget } = RUNTIMES.python;
  const pool = { imageTarget, ...DEFAULT_SIZE };
  return [
    { pool: { ...pool, network: 'none' }, target: env.POOL_TARGET },
    ...(env.OPEN_SUBNETS
      ? [{ pool: { ...pool, network: 'internet' as const }, target: env.OPEN_POOL_TARGET }]
      : []),
  ];
}
