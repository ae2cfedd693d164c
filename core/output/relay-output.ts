/**
 * The relay: the one writer of an execution's log. Takes events from the agent, passes each to its
 * own caller in memory and to the log, and ends in one of four ways: the execution ended and the
 * record says so; its time is up and the next relay was asked for; another relay holds the lease; it
 * is of a process, and nobody reads it any more.
 */
import type { Measured } from '../../contract/agent/metrics.ts';
import type { Event, EventOf } from '../../contract/events.ts';
import { AGENT_DEADLINE_GRACE_MS } from '../../contract/limits.ts';
import { type AgentTarget, deleteSpool } from '../agent/agent.ts';
import {
  type ExecutionRecord,
  isReadOnDemand,
  type Lease,
  NOBODY,
} from '../execution/execution.ts';
import type { ExecutionStore, FinishedExecution } from '../execution/execution-store.ts';
import type { Clock } from '../ports.ts';
import type { SandboxStore } from '../sandbox/sandbox-store.ts';
import { Audience, type AudienceDeps, type Starter } from '../socket/audience.ts';
import { type AgentEventsDeps, agentEvents } from './agent-events.ts';
import { byReference } from './large-results.ts';
import { HeldLease } from './lease.ts';
import { LeaseLost, LogWriter, type LogWriterDeps } from './log-writer.ts';
import type { OutputRow, RelayStarter } from './output-log.ts';
import { untilUnread } from './unread.ts';

export interface RelayDeps extends AgentEventsDeps, LogWriterDeps, AudienceDeps {
  readonly executions: ExecutionStore;
  readonly sandboxes: SandboxStore;
  readonly relays: RelayStarter;
  readonly clock: Clock;
  readonly ids: AudienceDeps['ids'];
  readonly leaseMs: number;
  /** A relay hands over after this long. */
  readonly relayLifeMs: number;
}

export interface RelayTask {
  /** Its lease is already ours. */
  readonly execution: Extract<ExecutionRecord, { status: 'running' }>;
  readonly target: AgentTarget;
  /** Seq of the last event in the log. */
  readonly after: number;
  /** Relays that started each other so far. */
  readonly hop: number;
  /** Somebody may watch it on the WebSocket from the beginning on. */
  readonly watched: boolean;
  /** The connection that asked for it. */
  readonly starter?: Starter;
}

export interface RelayHooks {
  readonly onEvent?: (event: Event) => void;
  /** Work that goes on behind the end: readers that lag. Awaited here where nobody takes it. */
  readonly background?: (work: Promise<void>) => void;
}

export type RelayEnd = 'finished' | 'handed_over' | 'lease_lost' | 'unread';

/** Below it the room is not worth a request to the agent at the end of every run. */
const LARGE_SPOOL_BYTES = 1024 * 1024;

/**
 * Far above what a 30-minute run needs, and what a process needs that is read for the 24 hours a sandbox
 * may live: a chain that is longer has gone wrong.
 */
const MAX_HOPS = 500;

export async function relayOutput(
  deps: RelayDeps,
  task: RelayTask,
  hooks: RelayHooks = {},
): Promise<RelayEnd> {
  const lease = new HeldLease(deps, task.execution.id, task.execution.lease);
  const life = new AbortController();
  const over = deps.clock.sleep(deps.relayLifeMs, life.signal).then(() => life.abort());
  const writer = new LogWriter(deps, task.execution.id, () => lease.mayWrite());
  const audience = new Audience(deps, task);
  const unread = new AbortController();
  const looking =
    isReadOnDemand(task.execution) &&
    untilUnread(deps, task.execution, audience, life.signal).then(
      (isUnread) => isUnread && unread.abort(),
    );
  try {
    const signals = { life: life.signal, unread: unread.signal };
    return await pump(deps, task, { lease, writer, audience, ...signals }, hooks);
  } catch (error) {
    await audience.drop();
    if (error instanceof LeaseLost) return 'lease_lost';
    throw error;
  } finally {
    life.abort();
    await Promise.all([over, looking, lease.end()]);
    // After a clean end this changes nothing; after a failure it stops the writer's loop.
    await writer.close().catch(() => {});
  }
}

interface Running {
  readonly lease: HeldLease;
  readonly writer: LogWriter;
  readonly audience: Audience;
  readonly life: AbortSignal;
  readonly unread: AbortSignal;
}

async function pump(
  deps: RelayDeps,
  task: RelayTask,
  running: Running,
  hooks: RelayHooks,
): Promise<RelayEnd> {
  const { execution } = task;
  const { lease, writer, audience, life, unread } = running;
  const facts = await factsSoFar(deps, task);
  let cursor = task.after;
  const take = (event: Event) => {
    cursor = event.seq;
    if (event.type === 'started') facts.executionCount = event.executionCount;
    if (event.type === 'truncated') facts.truncated = true;
    writer.add(event);
    const shown = byReference(execution.id, event);
    // What ends it is told once the record says so.
    if (event.type !== 'finished') audience.push(shown);
    hooks.onEvent?.(shown);
  };
  const source = {
    target: task.target,
    executionId: execution.id,
    epoch: lease.epoch,
    after: task.after,
    onMeasured: (measured: Measured) => audience.measured(measured),
    gone: () => sandboxIsGone(deps, execution),
  };
  const stop = AbortSignal.any([life, unread, lease.lost]);
  for await (const event of agentEvents(deps, source, stop)) {
    take(event);
    if (event.type === 'finished') return finish(deps, task, running, { event, facts, hooks });
    await writer.room();
  }
  if (lease.lost.aborted) throw new LeaseLost('another relay took over');
  if (unread.aborted) return leave(deps, task, running);
  if (life.aborted) return handOver(deps, task, running);
  const lost = lostEvent(deps.clock, execution.createdAt, cursor + 1);
  take(lost);
  return finish(deps, task, running, { event: lost, facts, hooks });
}

interface End {
  readonly event: EventOf<'finished'>;
  readonly facts: Facts;
  readonly hooks: RelayHooks;
}

interface Facts {
  executionCount: number | undefined;
  truncated: boolean;
}

/** What the events before ours have told: a relay that takes over did not see them. */
async function factsSoFar(deps: RelayDeps, task: RelayTask): Promise<Facts> {
  if (task.after === 0) return { executionCount: undefined, truncated: false };
  const [firstRows, last] = await Promise.all([
    deps.output.rowsAfter(task.execution.id, 0),
    deps.output.lastRow(task.execution.id),
  ]);
  const [first] = firstRows;
  const started = first && 'events' in first ? first.events[0] : undefined;
  const before = last && 'events' in last ? last.events.at(-1) : undefined;
  return {
    executionCount: started?.type === 'started' ? started.executionCount : undefined,
    truncated: before?.type === 'truncated',
  };
}

async function finish(
  deps: RelayDeps,
  { execution, target }: RelayTask,
  running: Running,
  { event, facts, hooks }: End,
): Promise<RelayEnd> {
  const { writer } = running;
  const row = await writer.rowOf(await writer.close());
  const end: FinishedExecution = {
    status: event.outcome === 'lost' ? 'lost' : 'finished',
    outcome: event.outcome,
    exitCode: event.exitCode,
    metrics: event.metrics,
    finishedAt: event.at,
    lastSeq: event.seq,
    truncated: facts.truncated,
    ...(facts.executionCount === undefined ? {} : { executionCount: facts.executionCount }),
    ...(execution.keyId === undefined ? {} : { keyId: execution.keyId }),
  };
  const look = await recordEnd(deps, execution, running, { end, row });
  const { lease: _, ...base } = execution;
  const read = running.audience.end({ ...base, ...end }, event, look);
  if (hooks.background) hooks.background(read);
  if (end.status === 'finished' && writer.bytes > LARGE_SPOOL_BYTES) {
    // The agent drops old spools by itself; asking only frees the space earlier.
    await deleteSpool(deps.gateway, target, execution.id).catch(() => {});
  }
  if (!hooks.background) await read;
  return 'finished';
}

/**
 * True when readers may have come unseen. A relay that has looked for none yet ends its execution
 * only where nobody has watched the sandbox: whoever comes after that finds it ended.
 */
async function recordEnd(
  deps: RelayDeps,
  execution: ExecutionRecord,
  { lease, audience }: Running,
  { end, row }: { end: FinishedExecution; row: OutputRow },
): Promise<boolean> {
  const finish = (unlessWatched: boolean) =>
    deps.executions.finish(execution.id, execution.sandboxId, lease.epoch, end, row, {
      unlessWatched,
      uncounted: isReadOnDemand(execution),
    });
  const first = await finish(audience.blind);
  const ended = first === 'watched' ? await finish(false) : first;
  if (ended !== 'ended') throw new LeaseLost('another relay ended the execution');
  return first === 'watched' || !audience.blind;
}

async function handOver(
  deps: RelayDeps,
  { execution, hop }: RelayTask,
  { lease, writer, audience }: Running,
): Promise<RelayEnd> {
  await Promise.all([writer.flush(), audience.handOver()]);
  await lease.release();
  // Without a successor the lease has lapsed, and a reader or the pool's minute finds it.
  if (hop < MAX_HOPS) {
    await deps.relays.start({ executionId: execution.id, epoch: lease.epoch + 1, hop: hop + 1 });
  }
  return 'handed_over';
}

/** The log stays as it is, the rest with the agent. */
async function leave(
  deps: RelayDeps,
  { execution }: RelayTask,
  { lease, writer, audience }: Running,
): Promise<RelayEnd> {
  await Promise.all([writer.flush(), audience.handOver()]);
  const sandbox = await deps.sandboxes.get(execution.sandboxId);
  await lease.leave(leaseOfNobody(deps.clock, sandbox?.expiresAt ?? execution.createdAt).until);
  // Who came since the last look has seen a lease that was held, and has asked nobody.
  if (await hasReaders(deps, execution))
    await deps.relays.start({ executionId: execution.id, epoch: lease.epoch + 1, hop: 0 });
  return 'unread';
}

async function hasReaders(
  { subscriptions, executions, clock }: RelayDeps,
  { id, sandboxId }: ExecutionRecord,
): Promise<boolean> {
  const [watching, now] = await Promise.all([
    subscriptions.watching(sandboxId, id),
    executions.get(id),
  ]);
  const isServed = watching.some(({ mode }) => mode === 'push');
  return isServed || (now?.readUntil ?? '') > clock.iso(clock.nowMs());
}

/** Of a process without a relay, until no agent answers for it any more. */
export const leaseOfNobody = (clock: Clock, expiresAt: string): Lease => ({
  owner: NOBODY,
  epoch: 0,
  until: clock.iso(clock.msOf(expiresAt) + 2 * AGENT_DEADLINE_GRACE_MS),
});

async function sandboxIsGone(deps: RelayDeps, execution: ExecutionRecord): Promise<boolean> {
  const sandbox = await deps.sandboxes.get(execution.sandboxId);
  if (!sandbox || sandbox.status === 'stopped') return true;
  // Past its own deadline no agent answers, whatever the record still says.
  const { clock } = deps;
  return clock.msOf(sandbox.expiresAt) + 2 * AGENT_DEADLINE_GRACE_MS < clock.nowMs();
}

const lostEvent = (clock: Clock, createdAt: string, seq: number): EventOf<'finished'> => ({
  seq,
  at: clock.iso(clock.nowMs()),
  type: 'finished',
  outcome: 'lost',
  exitCode: null,
  metrics: { wallMs: clock.nowMs() - clock.msOf(createdAt) },
});
