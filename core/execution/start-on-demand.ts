/**
 * What goes on by itself in a sandbox, a process or a watch, and is read as an execution is, by a record of its
 * own. The record comes after the thing, since without one it can still be listed and ended. One that is started under
 * an Idempotency-Key has an id that comes from the key, so that the agent knows a repeat.
 */
import { AppError } from '../../contract/errors.ts';
import { ExecutionId, type SandboxId } from '../../contract/ids.ts';
import { LIMITS } from '../../contract/limits.ts';
import type { Caller } from '../account/caller.ts';
import type { IdempotencyKey } from '../account/idempotency.ts';
import { type AgentTarget, asCallerError } from '../agent/agent.ts';
import type { RelayStarter } from '../output/output-log.ts';
import { leaseOfNobody } from '../output/relay-output.ts';
import type { AgentGateway, Clock, Digest, Ids } from '../ports.ts';
import {
  assertRunning,
  ownedBy,
  type RunningSandbox,
  sandboxNotFound,
  targetOf,
} from '../sandbox/sandbox.ts';
import type { SandboxStore } from '../sandbox/sandbox-store.ts';
import type { ExecutionRecord } from './execution.ts';
import type { ExecutionStore } from './execution-store.ts';

export interface StartOnDemandDeps {
  readonly sandboxes: Pick<SandboxStore, 'get'>;
  readonly executions: Pick<ExecutionStore, 'startProcess'>;
  readonly gateway: AgentGateway;
  readonly relays: RelayStarter;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly digest: Digest;
}

export interface Wanted {
  readonly sandboxId: SandboxId;
  readonly asked?: IdempotencyKey | undefined;
  /** Keys of different operations name different things. */
  readonly what: 'process' | 'watch';
}

interface Begun<T> {
  readonly answer: T;
  readonly facts: Pick<ExecutionRecord, 'pid' | 'watch' | 'timeoutMs'>;
}

export async function startOnDemand<T>(
  deps: StartOnDemandDeps,
  { sandboxId, asked, what }: Wanted,
  caller: Caller,
  start: (target: AgentTarget, executionId: ExecutionId) => Promise<Begun<T>>,
): Promise<T> {
  const { clock, ids, digest } = deps;
  const sandbox = ownedBy(await deps.sandboxes.get(sandboxId), caller.tenantId, sandboxId);
  assertRunning(sandbox, clock.iso(clock.nowMs()));
  assertRead(sandbox);
  const id = asked ? idFrom(digest, `${what} ${sandboxId} ${asked.key}`) : ids.execution();
  try {
    const { answer, facts } = await start(targetOf(sandbox), id);
    await record(deps, { sandbox, id, facts }, caller);
    return answer;
  } catch (error) {
    throw asCallerError(sandboxId, error);
  }
}

interface Recorded {
  readonly sandbox: RunningSandbox;
  readonly id: ExecutionId;
  readonly facts: Begun<unknown>['facts'];
}

async function record(
  { clock, executions, relays, sandboxes }: StartOnDemandDeps,
  { sandbox, id, facts }: Recorded,
  caller: Caller,
): Promise<void> {
  const { id: sandboxId, tenantId, expiresAt } = sandbox;
  const isKept = await executions.startProcess({
    id,
    sandboxId,
    tenantId,
    keyId: caller.keyId,
    ...facts,
    createdAt: clock.iso(clock.nowMs()),
    lastSeq: 0,
    truncated: false,
    status: 'running',
    lease: leaseOfNobody(clock, expiresAt),
  });
  if (!isKept) {
    const now = await sandboxes.get(sandboxId);
    if (!now) throw sandboxNotFound(sandboxId);
    assertRunning(now, clock.iso(clock.nowMs()));
    throw unread(now.id);
  }
  // Whoever watches the whole sandbox hears of it from a relay, also who came while it was started.
  const { watched } = (await sandboxes.get(sandboxId)) ?? sandbox;
  if (watched) await relays.start({ executionId: id, epoch: 1, hop: 0 });
}

/** Each has a record that waits for its reader. */
function assertRead({ id, unread: open = 0 }: RunningSandbox): void {
  if (open >= LIMITS.unreadPerSandbox) throw unread(id);
}

const unread = (id: SandboxId): AppError =>
  new AppError(
    'RESOURCE_LIMIT_ERROR',
    `Sandbox ${id} has ${LIMITS.unreadPerSandbox} processes and watches that nobody has read to their end, the most. Read the events of those that have ended.`,
    { details: { sandboxId: id, allowed: LIMITS.unreadPerSandbox }, retryAfterSeconds: 1 },
  );

const idFrom = (digest: Digest, name: string): ExecutionId =>
  ExecutionId.parse(`ex${digest.sha256(name).slice(0, 20)}`);
