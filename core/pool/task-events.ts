/**
 * What the fleet tells of a task. Events come late, twice and out of order: each is harmless then,
 * because the task's row decides.
 */
import type { LaunchId, SandboxId } from '../../contract/ids.ts';
import type { EndReason } from '../../contract/rest/sandboxes.ts';
import { agentHealth, isTask, speaksWith } from '../agent/agent.ts';
import type { AgentGateway } from '../ports.ts';
import { type CloseSandboxDeps, closeSandbox } from '../sandbox/end-sandbox.ts';
import type { PoolStore } from './pool-task.ts';

export interface TaskEventDeps extends CloseSandboxDeps {
  readonly gateway: AgentGateway;
  readonly pool: PoolStore;
}

export interface TaskRunning {
  readonly launchId: LaunchId;
  readonly taskArn: string;
  readonly address: string;
}

const HEALTH_EVERY_MS = 250;
const HEALTH_WITHIN_MS = 30_000;

/** The task runs: ask its agent until it answers as this task, then it is free. */
export async function onTaskRunning(
  deps: TaskEventDeps,
  event: TaskRunning,
): Promise<'free' | 'not_wanted' | 'not_healthy'> {
  const task = await deps.pool.get(event.launchId);
  if (task && task.status !== 'starting') return 'not_wanted';
  if (task && (await becomesHealthy(deps, event))) {
    if (await deps.pool.markFree(event.launchId, event.taskArn, event.address)) return 'free';
  }
  if (!task) {
    await deps.fleet.stop(event.taskArn, 'no launch asks for it');
    return 'not_wanted';
  }
  // The same event told twice: another may have freed it meanwhile, and a caller claimed it.
  if (!(await deps.pool.giveUp(event.launchId))) return 'not_wanted';
  await deps.fleet.stop(event.taskArn, 'its agent did not become healthy');
  await deps.pool.remove(task);
  return 'not_healthy';
}

async function becomesHealthy(deps: TaskEventDeps, event: TaskRunning): Promise<boolean> {
  const until = deps.clock.nowMs() + HEALTH_WITHIN_MS;
  let pause = HEALTH_EVERY_MS / 8;
  while (deps.clock.nowMs() < until) {
    try {
      const health = await agentHealth(deps.gateway, event.address);
      if (isTask(health, event.taskArn)) return speaksWith(health);
    } catch {
      // Not listening yet: that is what the loop waits for.
    }
    await deps.clock.sleep(pause);
    pause = Math.min(pause * 2, HEALTH_EVERY_MS);
  }
  return false;
}

/** Why a task stopped that nobody had asked to. */
export type TaskEnd = Extract<EndReason, 'task_died' | 'host_restarted'>;

/** The task stopped: its sandbox ends with the reason, its seat is given back, the pool refilled. */
export async function onTaskStopped(
  deps: TaskEventDeps,
  launchId: LaunchId,
  end: TaskEnd = 'task_died',
): Promise<void> {
  const task = await deps.pool.get(launchId);
  if (!task) return;
  if (task.status === 'claimed') {
    const id = task.sandboxId as SandboxId;
    const sandbox = await deps.sandboxes.get(id);
    if (sandbox?.task.launchId === launchId) {
      // An agent ends itself at its deadline. Of a host that went away the news may come long after it.
      const expired =
        end === 'task_died' && sandbox.expiresAt <= deps.clock.iso(deps.clock.nowMs());
      await closeSandbox(deps, { id, reason: expired ? 'expired' : end, stopTask: false });
    }
  }
  await deps.pool.remove(task);
  await deps.refill.request();
}
