/**
 * Keeps a pool at its target. Any number of refills may run at once: a seat is taken before a
 * launch, so they never launch more than there are seats. Also gives back the seats of launches
 * that came to nothing.
 */
import type { Clock, Ids, SandboxFleet } from '../ports.ts';
import { type PoolStore, type PoolTarget, poolKeyOf, type Seat } from './pool-task.ts';

export interface RefillDeps {
  readonly pool: PoolStore;
  readonly fleet: SandboxFleet;
  readonly clock: Clock;
  readonly ids: Ids;
  /** The task definition that is launched. */
  readonly version: string;
}

/** A launch that is not free by then came to nothing. */
const LAUNCH_MS = 180_000;
/** Nor one without a task: RunTask and its record, with all their tries, are over by then. */
const CALL_MS = 20_000;

export interface RefillReport {
  readonly launched: number;
  readonly failed: string[];
}

/** @param only the seat that is known to be open; every seat is looked at without it */
export async function refillPool(
  deps: RefillDeps,
  { pool, target }: PoolTarget,
  only?: number,
): Promise<RefillReport> {
  const open = only === undefined ? await openSeats(deps, { pool, target }) : [only];
  const outcomes = await Promise.all(
    open.filter((seat) => seat < target).map((seat) => launch(deps, pool, seat)),
  );
  return {
    launched: outcomes.filter((outcome) => outcome === 'launched').length,
    failed: outcomes.flatMap((outcome) => (typeof outcome === 'string' ? [] : [outcome.failed])),
  };
}

async function launch(
  deps: RefillDeps,
  pool: PoolTarget['pool'],
  seat: number,
): Promise<'launched' | 'taken' | { failed: string }> {
  const task = {
    launchId: deps.ids.launch(),
    pool: poolKeyOf(pool),
    network: pool.network,
    version: deps.version,
    seat,
    status: 'starting',
    launchedAt: deps.clock.iso(deps.clock.nowMs()),
  } as const;
  if (!(await deps.pool.takeSeat(task))) return 'taken';
  try {
    const { taskArn } = await deps.fleet.launch(task.launchId, pool);
    await deps.pool.recordLaunch(task.launchId, taskArn);
    return 'launched';
  } catch (error) {
    await deps.pool.remove(task);
    return { failed: error instanceof Error ? error.message : String(error) };
  }
}

async function openSeats(deps: RefillDeps, { pool, target }: PoolTarget): Promise<number[]> {
  const seats = await deps.pool.seats(poolKeyOf(pool));
  await releaseStale(deps, seats);
  const taken = new Set(seats.map(({ seat }) => seat));
  return Array.from({ length: target }, (_, seat) => seat).filter((seat) => !taken.has(seat));
}

async function releaseStale(deps: RefillDeps, seats: readonly Seat[]): Promise<void> {
  const oldestOf = (ms: number) => deps.clock.iso(deps.clock.nowMs() - ms);
  const [oldest, oldestCall] = [oldestOf(LAUNCH_MS), oldestOf(CALL_MS)];
  for (const { launchId, takenAt } of seats) {
    if (takenAt > oldestCall) continue;
    const task = await deps.pool.get(launchId);
    if (task?.status !== 'starting' || (task.taskArn && takenAt > oldest)) continue;
    if (!(await deps.pool.giveUp(launchId, task.status))) continue;
    if (task.taskArn) await deps.fleet.stop(task.taskArn, 'did not become ready in time');
    await deps.pool.remove(task);
  }
}
