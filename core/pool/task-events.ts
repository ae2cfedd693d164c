/**
 * What the fleet tells of a task. Events come late, twice and out of order: each is harmless then,
 * because the task's row decides.
 */
import type { LaunchId, SandboxId } from '../../contract/ids.ts';
import type { EndReason } from '../../contract/rest/sandboxes.ts';
import { agentHealth, isTask, speaksWith } from '../agent/agent.ts';
import type { AgentAddress, AgentGateway, SandboxFleet } from '../ports.ts';
import { secondsTo } from '../sandbox/lifecycle-steps.ts';
import { expiryOverdueAt } from '../sandbox/overdue.ts';
import { type RequestEndDeps, requestEnd } from '../sandbox/request-end.ts';
import type { LaunchingTask, PoolRefill, PoolStore, PoolTask } from './pool-task.ts';

export interface TaskEventDeps extends RequestEndDeps {
  readonly gateway: AgentGateway;
  readonly pool: PoolStore;
  readonly fleet: Pick<SandboxFleet, 'stop'>;
  readonly refill: PoolRefill;
}

export interface TaskRunning {
  readonly launchId: LaunchId;
  readonly taskArn: string;
  /** Private IPv4. */
  readonly host: string;
}

const HEALTH_EVERY_MS = 250;
const HEALTH_WITHIN_MS = 30_000;

/** The task runs: ask its agent until it answers as this task, then it is free, or its sandbox's. */
export async function onTaskRunning(
  deps: TaskEventDeps,
  event: TaskRunning,
): Promise<'free' | 'placed' | 'not_wanted' | 'not_healthy'> {
  const task = await deps.pool.get(event.launchId);
  if (!task) {
    await deps.fleet.stop(event.taskArn, 'no launch asks for it');
    return 'not_wanted';
  }
  if (task.status !== 'starting' && task.status !== 'launching') {
    await tellAgain(deps, task);
    return 'not_wanted';
  }
  const address = { host: event.host, network: task.network };
  if (await becomesHealthy(deps, address, event.taskArn)) {
    if (task.status === 'launching') return place(deps, task, { ...event, address });
    // Told twice: the other has freed it, and a caller may have claimed it since.
    const freed = await deps.pool.markFree(event.launchId, event.taskArn, event.host);
    return freed ? 'free' : 'not_wanted';
  }
  return task.status === 'launching'
    ? notHealthy(deps, task.sandboxId, event)
    : discard(deps, task, event);
}

/** Unless the same event, told twice, has freed it meanwhile. */
async function discard(
  deps: TaskEventDeps,
  task: PoolTask,
  { launchId, taskArn }: TaskRunning,
): Promise<'not_wanted' | 'not_healthy'> {
  if (!(await deps.pool.giveUp(launchId, 'starting'))) return 'not_wanted';
  await deps.fleet.stop(taskArn, 'its agent did not become healthy');
  await deps.pool.remove(task);
  return 'not_healthy';
}

/** Its life counts from now: what its launch took is not its owner's time. */
async function place(
  deps: TaskEventDeps,
  { sandboxId: id, pool }: LaunchingTask,
  { launchId, taskArn, address }: TaskRunning & { address: AgentAddress },
): Promise<'placed' | 'not_wanted'> {
  const sandbox = await deps.sandboxes.get(id);
  const expiresAt = deps.clock.iso(deps.clock.nowMs() + (sandbox?.lifetimeMs ?? 0));
  const times = { expiresAt, overdueAt: expiryOverdueAt(deps.clock, expiresAt) };
  if (!(await deps.sandboxes.place(id, { launchId, taskArn, address, pool }, times))) {
    const now = await deps.sandboxes.get(id);
    // Placed by the same event told twice; else it ended meanwhile.
    if (now?.task?.launchId !== launchId) await deps.fleet.stop(taskArn, 'its sandbox has ended');
    return 'not_wanted';
  }
  await completeLaunch(deps, id);
  return 'placed';
}

async function completeLaunch(deps: TaskEventDeps, id: SandboxId): Promise<void> {
  const sandbox = await deps.sandboxes.get(id);
  if (sandbox?.status !== 'creating' || !sandbox.lifecycleToken) return;
  const seconds = secondsTo(deps.clock, sandbox.expiresAt);
  await deps.lifecycle.complete(sandbox.lifecycleToken, { seconds });
}

/** Whoever placed it may have died before the launch was told. */
async function tellAgain(deps: TaskEventDeps, task: PoolTask): Promise<void> {
  if (task.status !== 'claimed' || task.sandboxId === undefined || 'seat' in task) return;
  await completeLaunch(deps, task.sandboxId);
}

async function notHealthy(
  deps: TaskEventDeps,
  id: SandboxId,
  { launchId, taskArn }: TaskRunning,
): Promise<'not_wanted' | 'not_healthy'> {
  const sandbox = await deps.sandboxes.get(id);
  if (sandbox?.task?.launchId === launchId) return 'not_wanted';
  await deps.fleet.stop(taskArn, 'its agent did not become healthy');
  await requestEnd(deps, { id, reason: 'init_timeout' });
  return 'not_healthy';
}

async function becomesHealthy(
  deps: TaskEventDeps,
  address: AgentAddress,
  taskArn: string,
): Promise<boolean> {
  const until = deps.clock.nowMs() + HEALTH_WITHIN_MS;
  let pause = HEALTH_EVERY_MS / 8;
  while (deps.clock.nowMs() < until) {
    try {
      const health = await agentHealth(deps.gateway, address);
      if (isTask(health, taskArn)) return speaksWith(health);
    } catch {
      // Not listening yet: that is what the loop waits for.
    }
    await deps.clock.sleep(pause);
    pause = Math.min(pause * 2, HEALTH_EVERY_MS);
  }
  return false;
}

/** Why a task stopped that nobody had asked to. */
export type TaskEnd = Extract<EndReason, 'task_died' | 'host_restarted' | 'launch_failed'>;

/** The task stopped: its sandbox ends with the reason, its seat is given back, the pool refilled. */
export async function onTaskStopped(
  deps: TaskEventDeps,
  launchId: LaunchId,
  end: TaskEnd,
): Promise<void> {
  const task = await deps.pool.get(launchId);
  if (!task) return;
  const id = 'sandboxId' in task ? task.sandboxId : undefined;
  if (id !== undefined && task.status !== 'bad') await endOfSandbox(deps, { id, launchId, end });
  // The row of a sandbox's task goes with the sandbox's end, which still has to stop it.
  else await deps.pool.remove(task);
  await deps.refill.request();
}

async function endOfSandbox(
  deps: TaskEventDeps,
  { id, launchId, end }: { id: SandboxId; launchId: LaunchId; end: TaskEnd },
): Promise<void> {
  const sandbox = await deps.sandboxes.get(id);
  if (!sandbox || sandbox.status === 'stopped') return;
  if (sandbox.task && sandbox.task.launchId !== launchId) return;
  await requestEnd(deps, { id, reason: reasonOf(deps, sandbox, end) });
}

function reasonOf(
  { clock }: TaskEventDeps,
  sandbox: { expiresAt: string; task?: unknown },
  end: TaskEnd,
): EndReason {
  if (end === 'host_restarted') return end;
  if (!sandbox.task) return 'launch_failed';
  // An agent ends itself at its deadline. Of a host that went away the news may come long after it.
  return sandbox.expiresAt <= clock.iso(clock.nowMs()) ? 'expired' : 'task_died';
}
