/**
 * The minute's look at tasks, both ways: a free task that is old, of another version or gone leaves
 * the pool; a task that no live record asks for is stopped.
 */
import type { Clock, RunningTask, SandboxFleet } from '../ports.ts';
import type { SandboxStore } from '../sandbox/sandbox-store.ts';
import { type FreeTask, type PoolStore, type PoolTarget, poolKeyOf } from './pool-task.ts';

export interface RecycleDeps {
  readonly pool: PoolStore;
  readonly sandboxes: Pick<SandboxStore, 'get'>;
  readonly fleet: SandboxFleet;
  readonly clock: Clock;
  /** The task definition that is launched at present. */
  readonly version: string;
}

const RETIRED_AFTER_MS = 12 * 3_600_000;
/** A younger task's record may still be on its way. */
const ORPHAN_AFTER_MS = 180_000;

export interface Recycled {
  /** Tasks of ours and of others in the cluster, before. */
  readonly running: number;
  readonly retired: number;
  readonly orphans: number;
}

export async function recyclePools(
  deps: RecycleDeps,
  pools: readonly PoolTarget[],
): Promise<Recycled> {
  // Read before the fleet is asked: a task that becomes free meanwhile would look gone.
  const free = await Promise.all(
    pools.map(async ({ pool, target }) => ({
      target,
      tasks: await deps.pool.allFree(poolKeyOf(pool)),
    })),
  );
  const running = await deps.fleet.list();
  const alive = new Set(running.map(({ taskArn }) => taskArn));
  const retired = new Set<string>();
  for (const { target, tasks } of free) {
    for (const task of tasks) {
      if (isGood(deps, task, alive) && task.seat < target) continue;
      if (await retire(deps, task)) retired.add(task.taskArn);
    }
  }
  const rest = running.filter(({ taskArn }) => !retired.has(taskArn));
  const orphans = await stopOrphans(deps, rest);
  return { running: running.length, retired: retired.size, orphans };
}

const isGood = ({ clock, version }: RecycleDeps, task: FreeTask, alive: ReadonlySet<string>) =>
  task.version === version &&
  alive.has(task.taskArn) &&
  clock.msOf(task.launchedAt) > clock.nowMs() - RETIRED_AFTER_MS;

/** False when a caller claimed it meanwhile. */
async function retire({ pool, fleet }: RecycleDeps, task: FreeTask): Promise<boolean> {
  if (!(await pool.giveUp(task.launchId))) return false;
  await fleet.stop(task.taskArn, 'retired from the pool');
  await pool.remove(task);
  return true;
}

/** Tasks that somebody else started in our cluster are not ours to judge. */
async function stopOrphans(deps: RecycleDeps, running: readonly RunningTask[]): Promise<number> {
  let stopped = 0;
  for (const { taskArn, launchId, createdMs } of running) {
    if (launchId === undefined || createdMs > deps.clock.nowMs() - ORPHAN_AFTER_MS) continue;
    const task = await deps.pool.get(launchId);
    if (task && !(await isLeftOver(deps, task))) continue;
    await deps.fleet.stop(taskArn, 'no live record asks for it');
    if (task) await deps.pool.remove(task);
    stopped += 1;
  }
  return stopped;
}

async function isLeftOver(
  { sandboxes }: RecycleDeps,
  task: NonNullable<Awaited<ReturnType<PoolStore['get']>>>,
): Promise<boolean> {
  if (task.status === 'bad') return true;
  if (!('sandboxId' in task) || task.sandboxId === undefined) return false;
  const sandbox = await sandboxes.get(task.sandboxId);
  return !sandbox || sandbox.status === 'stopped';
}
