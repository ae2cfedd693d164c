/** Read, list and interrupt executions. */
import type { Event } from '../../contract/events.ts';
import type { ExecutionId, SandboxId } from '../../contract/ids.ts';
import { LIMITS } from '../../contract/limits.ts';
import type { EventPage, Execution, ExecutionSummary } from '../../contract/rest/executions.ts';
import type { Caller } from '../account/caller.ts';
import { AgentRefusal, asCallerError, interruptOnAgent } from '../agent/agent.ts';
import { type FollowDeps, followLog } from '../output/follow-log.ts';
import { LogExpired, LogReader, type LogReaderDeps } from '../output/log-reader.ts';
import type { AgentGateway } from '../ports.ts';
import { ownedBy as sandboxOwnedBy, targetOf } from '../sandbox/sandbox.ts';
import type { SandboxStore } from '../sandbox/sandbox-store.ts';
import { type ExecutionRecord, isReadOnDemand, ownedBy, toSummary } from './execution.ts';
import type { ExecutionStore } from './execution-store.ts';
import { Fold } from './fold.ts';

interface Executions {
  readonly executions: ExecutionStore;
}

/** A process prints for as long as its sandbox lives: an answer shows how it began. */
const PAGES_OF_PROCESS = 32;

/** The record with what it printed so far, as far as that is still kept. */
export async function getExecution(
  deps: Executions & LogReaderDeps,
  id: ExecutionId,
  caller: Caller,
): Promise<Execution> {
  const record = ownedBy(await deps.executions.get(id), caller.tenantId, id);
  const fold = new Fold();
  try {
    const reader = new LogReader(deps, id, 0);
    let pagesLeft = isReadOnDemand(record) ? PAGES_OF_PROCESS : Number.POSITIVE_INFINITY;
    for (let page = await reader.next(true); page.length > 0; page = await reader.next()) {
      if (pagesLeft === 0) {
        fold.cut();
        break;
      }
      pagesLeft -= 1;
      for (const event of page) fold.add(event);
    }
  } catch (error) {
    if (!(error instanceof LogExpired)) throw error;
  }
  return toExecution(record, fold);
}

/** The events are at least as new as the record; where the log is gone, the record speaks. */
export function toExecution(
  record: ExecutionRecord,
  fold: Fold,
  { ended } = { ended: true },
): Execution {
  const summary = toSummary(record);
  const told = fold.result({ ended });
  return {
    ...summary,
    ...told,
    lastSeq: Math.max(summary.lastSeq, told.lastSeq),
    truncated: summary.truncated || told.truncated,
  };
}

export async function listExecutions(
  deps: Executions & { sandboxes: SandboxStore },
  sandboxId: SandboxId,
  page: { limit?: number | undefined; cursor?: string | undefined },
  caller: Caller,
): Promise<{ items: ExecutionSummary[]; nextCursor: string | null }> {
  sandboxOwnedBy(await deps.sandboxes.get(sandboxId), caller.tenantId, sandboxId);
  const { items, cursor } = await deps.executions.list(sandboxId, {
    limit: page.limit ?? LIMITS.pageSize.default,
    cursor: page.cursor,
  });
  return { items: items.map(toSummary), nextCursor: cursor };
}

export interface InterruptDeps {
  readonly executions: Pick<ExecutionStore, 'get'>;
  readonly sandboxes: Pick<SandboxStore, 'get'>;
  readonly gateway: AgentGateway;
}

/** An execution that has ended stays as it is: the same answer. */
export async function interruptExecution(
  deps: InterruptDeps,
  id: ExecutionId,
  caller: Caller,
): Promise<ExecutionSummary> {
  const record = ownedBy(await deps.executions.get(id), caller.tenantId, id);
  const sandbox =
    record.status === 'running' ? await deps.sandboxes.get(record.sandboxId) : undefined;
  if (sandbox?.status === 'running') {
    const target = targetOf(sandbox);
    try {
      await interruptOnAgent(deps.gateway, target, id);
    } catch (error) {
      // 404: it ended meanwhile and its spool is gone.
      if (!(error instanceof AgentRefusal && error.status === 404))
        throw asCallerError(sandbox.id, error);
    }
  }
  return toSummary(record);
}

/** Long poll: what there is after the cursor, or what comes first within `waitMs`. */
export async function readEvents(
  deps: Executions & FollowDeps,
  id: ExecutionId,
  page: { after: number; waitMs: number },
  caller: Caller,
): Promise<EventPage> {
  const execution = ownedBy(await deps.executions.get(id), caller.tenantId, id);
  const untilMs = deps.clock.nowMs() + page.waitMs;
  let items: Event[] = [];
  for await (const events of followLog(deps, { execution, after: page.after, untilMs })) {
    items = events;
    break;
  }
  const last = items.at(-1);
  return {
    items,
    nextCursor: last?.seq ?? page.after,
    finished:
      last?.type === 'finished' ||
      (execution.status !== 'running' && page.after >= execution.lastSeq),
  };
}
