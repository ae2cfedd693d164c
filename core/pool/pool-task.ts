/**
 * A task of ours: in a warm pool, or launched for one sandbox. A pool has as many seats as its
 * target. A launch takes a seat first, a claim gives it back in the claim's own transaction: so
 * there are never more unclaimed tasks than seats, whoever refills at the same time.
 *
 *   starting → free → claimed        starting | free | claimed → bad
 *   launching → claimed
 */
import type { LaunchId, SandboxId } from '../../contract/ids.ts';
import type { NetworkAccess } from '../../contract/rest/sandboxes.ts';
import type { AgentAddress, LaunchSpec } from '../ports.ts';

/** Names a pool: image target, size and network. */
export type PoolKey = string;

export interface Pool extends LaunchSpec {
  readonly imageTarget: string;
}

export const poolKeyOf = ({ imageTarget, cpu, memoryMb, diskGb, network }: Pool): PoolKey =>
  `${imageTarget}-${cpu}x${memoryMb}x${diskGb}-${network}`;

/** A warm pool and how many tasks it keeps free. */
export interface PoolTarget {
  readonly pool: Pool;
  readonly target: number;
}

interface TaskBase {
  readonly launchId: LaunchId;
  readonly launchedAt: string;
  readonly pool: PoolKey;
  readonly network: NetworkAccess;
  /** The task definition it was launched as: another one means another image or other settings. */
  readonly version: string;
}

/** One that a pool asked for; a launch of one sandbox has no seat. */
interface Seated extends TaskBase {
  readonly seat: number;
}

interface Placed {
  readonly taskArn: string;
  readonly address: AgentAddress;
}

export type StartingTask = Seated & {
  readonly status: 'starting';
  readonly taskArn?: string;
};
export type LaunchingTask = TaskBase & {
  readonly status: 'launching';
  readonly sandboxId: SandboxId;
  readonly taskArn?: string;
};
export type FreeTask = Seated & Placed & { readonly status: 'free' };

export type PoolTask =
  | StartingTask
  | LaunchingTask
  | FreeTask
  | ((Seated | TaskBase) &
      Placed & { readonly status: 'claimed' | 'bad'; readonly sandboxId?: SandboxId });

export interface Seat {
  readonly seat: number;
  readonly launchId: LaunchId;
  readonly takenAt: string;
}

export interface PoolStore {
  get(launchId: LaunchId): Promise<PoolTask | undefined>;
  seats(pool: PoolKey): Promise<Seat[]>;
  /** One transaction: the seat taken, the task put as starting. False when the seat is taken. */
  takeSeat(task: StartingTask): Promise<boolean>;
  /** Puts the task of a sandbox's own launch; one that is there stays. */
  putLaunching(task: LaunchingTask): Promise<void>;
  /** False when its row is gone: nobody wants the task any more. */
  recordLaunch(launchId: LaunchId, taskArn: string): Promise<boolean>;
  /** starting → free. False when it is no longer starting: the task is not wanted. */
  markFree(launchId: LaunchId, taskArn: string, host: string): Promise<boolean>;
  /**
   * starting | free → bad: nobody will claim it any more. False when it is neither.
   * @param only of the two; without it, either
   */
  giveUp(launchId: LaunchId, only?: 'starting' | 'free'): Promise<boolean>;
  /** Some FREE tasks, from a random place on; rows may be stale: the condition on the claim decides. */
  free(pool: PoolKey, options: { from: LaunchId; limit: number }): Promise<FreeTask[]>;
  /** Every FREE task. */
  allFree(pool: PoolKey): Promise<FreeTask[]>;
  /** The task's row gone and its seat given back, if it still held one. Repeating is harmless. */
  remove(task: Pick<Seated, 'launchId' | 'pool'> & Partial<Pick<Seated, 'seat'>>): Promise<void>;
}

/** A seat that a claim has given back. */
export interface OpenSeat {
  readonly pool: PoolKey;
  readonly seat: number;
}

/**
 * Asks the pool function to refill and does not wait for it. Never rejects: what it misses, the
 * minute's run repairs.
 */
export interface PoolRefill {
  /** @param opened the one seat to fill: a burst of claims must not have each look at all seats */
  request(opened?: OpenSeat): Promise<void>;
}
