/**
 * Ends every sandbox and every warm task of a deployment, in as many calls as it takes: each does
 * what it can in its time and says what is left. Every step may be repeated. A sandbox ends as one
 * that its owner terminates, by its own lifecycle; `hard` stops the tasks themselves, for when
 * lifecycles do not move.
 */
import type { PauseStore } from '../account/pause.ts';
import type { Clock, RunningTask, SandboxFleet } from '../ports.ts';
import { type RequestEndDeps, requestEnd } from '../sandbox/request-end.ts';
import { type PoolStore, type PoolTarget, poolKeyOf } from './pool-task.ts';

export interface StopAllDeps extends RequestEndDeps {
  readonly pauses: PauseStore;
  readonly pool: PoolStore;
  readonly fleet: Pick<SandboxFleet, 'list' | 'stop'>;
  readonly clock: Clock;
  /** From when on nothing of before the pause can still create a sandbox. */
  readonly pauseSettlesMs: number;
}

export interface Standing {
  readonly pausedAt?: string;
  /** What is left is all that there will be. */
  readonly settled: boolean;
  /** Sandboxes that have not stopped. */
  readonly sandboxes: number;
  /** Tasks of ours that run. */
  readonly tasks: number;
}

export interface Stopping extends Standing {
  /** What could not be told to end; told again by the next call. */
  readonly failed: readonly string[];
}

const AT_ONCE = 25;
/** Within the 60 s of its function. */
const WORK_MS = 30_000;

export async function standing(deps: StopAllDeps): Promise<Standing> {
  const [pause, live, tasks] = await Promise.all([
    deps.pauses.get(),
    deps.sandboxes.live(),
    ownTasks(deps),
  ]);
  const counts = { sandboxes: live.length, tasks: tasks.length };
  if (!pause) return { ...counts, settled: false };
  const settledMs = deps.clock.msOf(pause.pausedAt) + deps.pauseSettlesMs;
  return { ...counts, ...pause, settled: deps.clock.nowMs() >= settledMs };
}

export async function stopAll(
  deps: StopAllDeps,
  pools: readonly PoolTarget[],
  { hard }: { hard: boolean },
): Promise<Stopping> {
  await deps.pauses.begin({ pausedAt: deps.clock.iso(deps.clock.nowMs()) });
  const untilMs = deps.clock.nowMs() + WORK_MS;
  // One that is stopping has been told; should whoever told it have died, the minute's look repairs it.
  const items = (await deps.sandboxes.live()).filter(({ status }) => status !== 'stopping');
  const failed = await each(deps.clock, { items, untilMs }, ({ id }) =>
    requestEnd(deps, { id, reason: 'terminated' }),
  );
  for (const { pool } of pools) failed.push(...(await emptyPool(deps, poolKeyOf(pool), untilMs)));
  if (hard) {
    const items = await ownTasks(deps);
    failed.push(
      ...(await each(deps.clock, { items, untilMs }, ({ taskArn }) =>
        deps.fleet.stop(taskArn, 'everything is stopped'),
      )),
    );
  }
  return { ...(await standing(deps)), failed };
}

/** Free tasks and those that are about to be; a claimed one is its sandbox's. */
async function emptyPool(deps: StopAllDeps, key: string, untilMs: number): Promise<string[]> {
  const { pool, fleet } = deps;
  const seats = await pool.seats(key);
  return each(deps.clock, { items: seats, untilMs }, async ({ launchId }) => {
    const task = await pool.get(launchId);
    if (!task || !(await pool.giveUp(launchId))) return;
    if (task.taskArn) await fleet.stop(task.taskArn, 'everything is stopped');
    await pool.remove(task);
  });
}

/** Tasks that somebody else started in our cluster are not ours to judge. */
const ownTasks = async ({ fleet }: StopAllDeps): Promise<RunningTask[]> =>
  (await fleet.list()).filter(({ launchId }) => launchId !== undefined);

/** Each for itself: one that cannot be told must not keep the others. Answers what went wrong. */
async function each<T>(
  clock: Clock,
  { items, untilMs }: { items: readonly T[]; untilMs: number },
  work: (item: T) => Promise<unknown>,
): Promise<string[]> {
  const failed: string[] = [];
  for (let at = 0; at < items.length && clock.nowMs() < untilMs; at += AT_ONCE) {
    const done = await Promise.allSettled(items.slice(at, at + AT_ONCE).map(work));
    for (const one of done) if (one.status === 'rejected') failed.push(String(one.reason));
  }
  return failed;
}
