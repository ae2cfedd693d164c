/**
 * A warm pool has as many seats as its target. A launch takes a seat first, a claim gives it back
 * in the claim's own transaction: so there are never more unclaimed tasks than seats, whoever
 * refills at the same time.
 *
 *   starting → free → claimed        starting | free | claimed → bad
 */
import type { LaunchId } from '../../contract/ids.ts';

/** Names a pool: image target, size and network. */
export type PoolKey = string;

/** The one pool of this release: default size, no network. */
export const DEFAULT_POOL: PoolKey = 'python-1x2048-none';

interface PoolTaskBase {
  readonly launchId: LaunchId;
  readonly pool: PoolKey;
  readonly seat: number;
  readonly launchedAt: string;
}

export type PoolTask =
  | (PoolTaskBase & { readonly status: 'starting'; readonly taskArn?: string | undefined })
  | (PoolTaskBase & {
      readonly status: 'free';
      readonly taskArn: string;
      readonly address: string;
    })
  | (PoolTaskBase & {
      readonly status: 'claimed' | 'bad';
      readonly taskArn: string;
      readonly address: string;
      readonly sandboxId: string;
    });

export type FreeTask = Extract<PoolTask, { status: 'free' }>;

export interface Seat {
  readonly seat: number;
  readonly launchId: LaunchId;
  readonly takenAt: string;
}

export interface PoolStore {
  get(launchId: LaunchId): Promise<PoolTask | undefined>;
  seats(pool: PoolKey): Promise<Seat[]>;
  /** One transaction: the seat taken, the task put as starting. False when the seat is taken. */
  takeSeat(task: Extract<PoolTask, { status: 'starting' }>): Promise<boolean>;
  recordLaunch(launchId: LaunchId, taskArn: string): Promise<void>;
  /** starting → free. False when it is no longer starting: the task is not wanted. */
  markFree(launchId: LaunchId, taskArn: string, address: string): Promise<boolean>;
  /** starting → bad: nobody will claim it any more. False when it is no longer starting. */
  giveUp(launchId: LaunchId): Promise<boolean>;
  /** Some FREE tasks, any order; rows may be stale: the condition on the claim decides. */
  free(pool: PoolKey, limit: number): Promise<FreeTask[]>;
  /** The task's row gone and its seat given back, if it still held one. Repeating is harmless. */
  remove(task: PoolTask): Promise<void>;
}

/**
 * Asks the pool function to refill and does not wait for it. Never rejects: what it misses, the
 * minute's run repairs.
 */
export interface PoolRefill {
  request(): Promise<void>;
}
