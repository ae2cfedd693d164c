/**
 * The one way in which a sandbox ends: reason first, drain, stop the task, then stopped in one
 * transaction with its slot and the event that tells of it. Every step may be repeated; a second
 * run does nothing.
 *
 * The executions in flight are ended by their own relays, which read `killed` from the drained
 * spools, or `lost` when the task is gone: so the log keeps a single writer.
 */
import type { SandboxId } from '../../contract/ids.ts';
import { AGENT_DEADLINE_GRACE_MS } from '../../contract/limits.ts';
import type { EndReason } from '../../contract/rest/sandboxes.ts';
import { agentLog, drainAgent } from '../agent/agent.ts';
import type { ExecutionStore } from '../execution/execution-store.ts';
import type { RelayStarter } from '../output/output-log.ts';
import { askForUnread } from '../output/take-over.ts';
import type { PoolStore } from '../pool/pool-task.ts';
import type { AgentGateway, Clock, DomainEvent, EventBus, Ids, SandboxFleet } from '../ports.ts';
import { type OutboxStore, publish } from './outbox.ts';
import { stepOverdueAt } from './overdue.ts';
import { type EndingSandbox, type SandboxRecord, targetOf } from './sandbox.ts';
import type { SandboxStore } from './sandbox-store.ts';

export interface EndSandboxDeps {
  readonly sandboxes: SandboxStore;
  readonly pool: PoolStore;
  readonly outbox: OutboxStore;
  readonly executions: Pick<ExecutionStore, 'list'>;
  readonly relays: RelayStarter;
  readonly bus: EventBus;
  readonly gateway: AgentGateway;
  readonly fleet: Pick<SandboxFleet, 'stop'>;
  readonly clock: Clock;
  readonly ids: Pick<Ids, 'owner'>;
  /** The agent's own log, of a sandbox that ends. */
  readonly onAgentLog: (sandboxId: SandboxId, log: string) => void;
}

/** Answers the record as it then is; undefined when there is none. */
export async function endSandbox(
  deps: EndSandboxDeps,
  { id, reason }: { id: SandboxId; reason: EndReason },
): Promise<SandboxRecord | undefined> {
  const sandbox = await deps.sandboxes.requestEnd(id, {
    reason,
    at: deps.clock.iso(deps.clock.nowMs()),
    overdueAt: stepOverdueAt(deps.clock),
  });
  if (sandbox?.status !== 'stopping') return sandbox;
  await readToTheEnd(deps, sandbox);
  const taskArn = sandbox.task?.taskArn ?? (await launchedTask(deps, sandbox));
  if (taskArn) await deps.fleet.stop(taskArn, `sandbox ${id} ends`);
  const stoppedAt = deps.clock.iso(deps.clock.nowMs());
  const event = terminated(deps, sandbox, stoppedAt);
  if (await deps.sandboxes.markStopped(sandbox, stoppedAt, event)) await publish(deps, event);
  return { ...sandbox, status: 'stopped', stoppedAt };
}

/** A task that has died has nothing left to be read. */
const UNREADABLE: ReadonlySet<EndReason> = new Set(['task_died', 'host_restarted', 'init_timeout']);

async function readToTheEnd(deps: EndSandboxDeps, sandbox: EndingSandbox): Promise<void> {
  const { task } = sandbox;
  if (!task || sandbox.startedAt === undefined || UNREADABLE.has(sandbox.endReason)) return;
  // Past its own deadline no agent answers any more.
  const deadlineMs = deps.clock.msOf(sandbox.expiresAt) + AGENT_DEADLINE_GRACE_MS;
  if (deadlineMs < deps.clock.nowMs()) return;
  const target = targetOf({ ...sandbox, task });
  try {
    // Drained all the same: who is there already reads on.
    if (sandbox.unread) await askForUnread(deps, sandbox).catch(() => {});
    if (sandbox.runningExecutions > 0 || sandbox.unread) await drainAgent(deps.gateway, target);
    deps.onAgentLog(sandbox.id, await agentLog(deps.gateway, target));
  } catch {
    // An agent that cannot answer is about to be stopped: its relays end what ran as lost.
  }
}

/** The task of a launch that was not placed yet. */
async function launchedTask(
  { pool }: EndSandboxDeps,
  { ownLaunch }: Extract<SandboxRecord, { status: 'stopping' }>,
): Promise<string | undefined> {
  return ownLaunch === undefined ? undefined : (await pool.get(ownLaunch))?.taskArn;
}

const terminated = (
  { ids }: EndSandboxDeps,
  { id, tenantId, createdAt, startedAt, endReason }: EndingSandbox,
  stoppedAt: string,
): DomainEvent => ({
  id: ids.owner(),
  type: 'SandboxTerminated',
  at: stoppedAt,
  detail: {
    sandboxId: id,
    tenantId,
    endReason,
    createdAt,
    ...(startedAt === undefined ? {} : { startedAt }),
    stoppedAt,
  },
});
