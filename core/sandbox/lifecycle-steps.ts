/**
 * The steps of a sandbox's lifecycle, one use case each, all safe to repeat. `launch` and `hold`
 * wait for their token; a token is kept and the wish to end is read in one update, so an end that
 * was asked for earlier completes the step at once, and a later one finds the token.
 */
import type { SandboxId } from '../../contract/ids.ts';
import { type LaunchingTask, type PoolStore, poolKeyOf } from '../pool/pool-task.ts';
import { type Clock, type Lifecycle, NoCapacity, type SandboxFleet } from '../ports.ts';
import { stepOverdueAt } from './overdue.ts';
import { markPrepared, PREPARE_TRIES, type PrepareDeps, prepareAgent } from './prepare-sandbox.ts';
import { requestEnd } from './request-end.ts';
import { type CreatingSandbox, poolOf } from './sandbox.ts';
import type { SandboxStore } from './sandbox-store.ts';

interface Step {
  readonly sandboxId: SandboxId;
  /** Of this very step. */
  readonly token: string;
}

export interface LaunchDeps {
  readonly sandboxes: SandboxStore;
  readonly pool: PoolStore;
  readonly fleet: SandboxFleet;
  readonly lifecycle: Lifecycle;
  readonly clock: Clock;
  /** The task definition that is launched. */
  readonly version: string;
  /** Told why a launch failed; the sandbox itself only says that it did. */
  readonly onLaunchFailed: (error: unknown) => void;
}

/** Launches the task of a sandbox that no pool had one for; task-events completes the step. */
export async function launchSandbox(deps: LaunchDeps, { sandboxId, token }: Step): Promise<void> {
  const sandbox = await deps.sandboxes.keepToken(sandboxId, token);
  if (sandbox?.status !== 'creating' || sandbox.task || !sandbox.ownLaunch) {
    await deps.lifecycle.complete(token, { seconds: secondsTo(deps.clock, sandbox?.expiresAt) });
    return;
  }
  const task: LaunchingTask = {
    launchId: sandbox.ownLaunch,
    sandboxId,
    pool: poolKeyOf(poolOf(sandbox)),
    network: sandbox.network.access,
    version: deps.version,
    launchedAt: deps.clock.iso(deps.clock.nowMs()),
    status: 'launching',
  };
  await deps.pool.putLaunching(task);
  try {
    await launchTask(deps, sandbox, task);
  } catch (error) {
    deps.onLaunchFailed(error);
    await deps.pool.remove(task);
    const cause = error instanceof Error ? error.message : String(error);
    const kind = error instanceof NoCapacity ? 'NoCapacity' : 'LaunchFailed';
    await deps.lifecycle.fail(token, kind, cause);
  }
}

async function launchTask(
  deps: LaunchDeps,
  { resources, network }: CreatingSandbox,
  { launchId }: LaunchingTask,
): Promise<void> {
  const { taskArn } = await deps.fleet.launch(launchId, { ...resources, network: network.access });
  // Its sandbox ended while it was launched: nobody else knows of the task.
  if (!(await deps.pool.recordLaunch(launchId, taskArn)))
    await deps.fleet.stop(taskArn, 'its sandbox has ended');
}

export interface HoldDeps extends PrepareDeps {
  readonly lifecycle: Lifecycle;
}

interface Hold extends Step {
  readonly prepare: boolean;
  /** When the wait began, and how long it lasts unless somebody ends it. */
  readonly enteredAt?: string | undefined;
  readonly seconds?: number | undefined;
}

/** Waits are whole seconds, and begin a moment after they were measured. */
const ROUNDED_MS = 2_000;

/**
 * Waits for the end of the sandbox's life. Where no request stands behind the creation, it is
 * finished here.
 */
export async function holdSandbox(
  deps: HoldDeps,
  { sandboxId, token, prepare, enteredAt, seconds = 0 }: Hold,
): Promise<void> {
  const sandbox = await deps.sandboxes.keepToken(sandboxId, token);
  if (sandbox?.status === 'creating' && prepare) {
    if (await becomesRunning(deps, sandbox)) return;
    await requestEnd(deps, { id: sandboxId, reason: 'init_timeout' });
    return;
  }
  const isLive = sandbox?.status === 'creating' || sandbox?.status === 'running';
  if (!isLive) {
    await deps.lifecycle.complete(token, { end: true });
    return;
  }
  // Shortened since this wait was measured, when nobody could tell it: its token was not there yet.
  const waitsUntilMs = enteredAt === undefined ? 0 : deps.clock.msOf(enteredAt) + seconds * 1000;
  if (deps.clock.msOf(sandbox.expiresAt) < waitsUntilMs - ROUNDED_MS)
    await deps.lifecycle.complete(token, { seconds: secondsTo(deps.clock, sandbox.expiresAt) });
}

async function becomesRunning(deps: HoldDeps, sandbox: CreatingSandbox): Promise<boolean> {
  const { task } = sandbox;
  if (!task) return false;
  const placed = { ...sandbox, task };
  for (let tries = 1; tries <= PREPARE_TRIES; tries++) {
    try {
      await prepareAgent(deps, placed);
      return (await markPrepared(deps, placed)) !== undefined;
    } catch {
      // The next try, or an end that says init_timeout.
    }
  }
  return false;
}

export interface RenewDeps {
  readonly sandboxes: SandboxStore;
  readonly clock: Clock;
}

/** Beyond so many renewals a wait is long: a day of life must stay under 25,000 events of history. */
const QUICK_RENEWALS = 500;
const LONG_WAIT_SECONDS = 90;

/**
 * A wait is over by time: end, unless the life was extended. The end is asked for on condition that
 * the expiry has passed, so an extension and an expiry never both succeed.
 */
export async function renewSandbox(
  deps: RenewDeps,
  { sandboxId, renewals }: { sandboxId: SandboxId; renewals: number },
): Promise<{ end: boolean; seconds: number }> {
  const at = deps.clock.iso(deps.clock.nowMs());
  const sandbox = await deps.sandboxes.requestEnd(sandboxId, {
    reason: 'expired',
    at,
    overdueAt: stepOverdueAt(deps.clock),
    expiredAt: at,
  });
  const isLive = sandbox?.status === 'creating' || sandbox?.status === 'running';
  const least = renewals < QUICK_RENEWALS ? 1 : LONG_WAIT_SECONDS;
  return {
    end: !isLive,
    seconds: Math.max(least, secondsTo(deps.clock, sandbox?.expiresAt)),
  };
}

/** Whole seconds, at least one: Step Functions takes no others. */
export const secondsTo = (clock: Clock, expiresAt: string | undefined): number =>
  expiresAt === undefined
    ? 1
    : Math.max(1, Math.ceil((clock.msOf(expiresAt) - clock.nowMs()) / 1000));
