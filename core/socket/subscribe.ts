/** Subscribe to an execution or a sandbox, tell how far one is, and leave again. */
import { AppError } from '../../contract/errors.ts';
import type { ExecutionId, SandboxId } from '../../contract/ids.ts';
import { SOCKET_LIMITS } from '../../contract/socket/limits.ts';
import type { ToServer } from '../../contract/socket/to-server.ts';
import type { Caller } from '../account/caller.ts';
import { ownedBy } from '../execution/execution.ts';
import type { ExecutionStore } from '../execution/execution-store.ts';
import { askForRelay, askForUnread } from '../output/take-over.ts';
import { assertLive, ownedBy as sandboxOwnedBy } from '../sandbox/sandbox.ts';
import type { SandboxStore } from '../sandbox/sandbox-store.ts';
import { ackOfFuture } from './outbound.ts';
import type { ExecutionPlaces } from './places.ts';
import { type ReadOnDeps, readOn } from './read-on.ts';
import type { SubscriptionKey } from './subscription.ts';

export interface SubscribeDeps extends ReadOnDeps {
  readonly sandboxes: Pick<SandboxStore, 'get'>;
  readonly executions: Pick<ExecutionStore, 'get' | 'list'>;
  readonly places: ExecutionPlaces;
}

/** Who asks, on which connection, by which message. */
export interface Asker {
  readonly caller: Caller;
  readonly connectionId: string;
  readonly messageId: string;
}

export async function subscribe(
  deps: SubscribeDeps,
  wanted: ToServer<'subscribe'>['payload'],
  asker: Asker,
) {
  return 'sandboxId' in wanted
    ? subscribeToSandbox(deps, wanted, asker)
    : subscribeToExecution(deps, wanted, asker);
}

async function subscribeToSandbox(
  deps: SubscribeDeps,
  { sandboxId, delivery }: Extract<ToServer<'subscribe'>['payload'], { sandboxId: unknown }>,
  { caller, connectionId }: Asker,
) {
  const sandbox = sandboxOwnedBy(await deps.sandboxes.get(sandboxId), caller.tenantId, sandboxId);
  assertLive(sandbox, deps.clock.iso(deps.clock.nowMs()));
  const key = { sandboxId, target: sandboxId, connectionId };
  if (!(await deps.subscriptions.get(key))) await assertRoom(deps, sandboxId, connectionId);
  await deps.subscriptions.put({
    ...key,
    tenantId: caller.tenantId,
    delivery,
    version: deps.ids.owner(),
    mode: 'push',
    after: 0,
    acked: 0,
  });
  // What already goes on by itself has no relay that could see that. Read anew: what begins now looks for who watches.
  await askForUnread(deps, (await deps.sandboxes.get(sandboxId)) ?? sandbox);
  return { sandboxId };
}

async function subscribeToExecution(
  deps: SubscribeDeps,
  wanted: Extract<ToServer<'subscribe'>['payload'], { executionId: unknown }>,
  { caller, connectionId }: Asker,
) {
  const { executionId, delivery } = wanted;
  const { tenantId } = caller;
  const execution = ownedBy(await deps.executions.get(executionId), tenantId, executionId);
  if (execution.status !== 'running') {
    const seq = await readOn(deps, { connectionId, execution, after: wanted.after ?? 0 });
    return { executionId, seq };
  }
  const key = { sandboxId: execution.sandboxId, target: executionId, connectionId };
  const earlier = await deps.subscriptions.get(key);
  if (!earlier) await assertRoom(deps, key.sandboxId, connectionId);
  const after = wanted.after ?? earlier?.acked ?? 0;
  const version = deps.ids.owner();
  const place = { after, acked: after, mode: 'push' as const };
  await deps.subscriptions.put({ ...key, tenantId, delivery, version, ...place });
  // A relay that ended before it could see that has left the rest to us.
  const now = ownedBy(await deps.executions.get(executionId), tenantId, executionId);
  if (now.status === 'running') {
    await askForRelay(deps.relays, now, deps.clock.iso(deps.clock.nowMs()));
    return { executionId, seq: after };
  }
  await deps.subscriptions.remove(key, version);
  return { executionId, seq: await readOn(deps, { connectionId, execution: now, after }) };
}

/**
 * Each reader is served by every relay of the sandbox. Two that come at once may both find room. What a relay itself
 * put, for an execution of a sandbox that is watched whole, is not counted again.
 * @throws {AppError} RESOURCE_LIMIT_ERROR
 */
async function assertRoom(
  { subscriptions }: SubscribeDeps,
  sandboxId: SandboxId,
  connectionId: string,
): Promise<void> {
  const { ofSandbox, ofConnection } = await subscriptions.keys(sandboxId, connectionId);
  const { readersPerSandbox, subscriptionsPerConnection } = SOCKET_LIMITS;
  const readers = new Set(ofSandbox.map((row) => row.connectionId));
  if (!readers.has(connectionId) && readers.size >= readersPerSandbox)
    throw full(`Sandbox ${sandboxId}`, readersPerSandbox);
  const isWhole = (row: SubscriptionKey) => row.target === row.sandboxId;
  const whole = new Set(ofConnection.filter(isWhole).map((row) => row.sandboxId));
  const asked = ofConnection.filter((row) => isWhole(row) || !whole.has(row.sandboxId));
  if (asked.length >= subscriptionsPerConnection)
    throw full('This connection', subscriptionsPerConnection);
}

const full = (what: string, allowed: number): AppError =>
  new AppError(
    'RESOURCE_LIMIT_ERROR',
    `${what} already has ${allowed} subscriptions, the most at a time. Unsubscribe one first.`,
    { details: { allowed }, retryAfterSeconds: 1 },
  );

/** Also where there was none. Of a sandbox that is watched, one execution can be left out. */
export async function unsubscribe(
  deps: SubscribeDeps,
  wanted: ToServer<'unsubscribe'>['payload'],
  { caller, connectionId }: Asker,
) {
  const { subscriptions } = deps;
  if ('sandboxId' in wanted) {
    const { sandboxId } = wanted;
    sandboxOwnedBy(await deps.sandboxes.get(sandboxId), caller.tenantId, sandboxId);
    await subscriptions.remove({ sandboxId, target: sandboxId, connectionId });
    return { sandboxId };
  }
  const { executionId } = wanted;
  const sandboxId = await deps.places.of(executionId, caller.tenantId);
  const key = { sandboxId, target: executionId, connectionId };
  const whole = await subscriptions.get({ ...key, target: sandboxId });
  if (whole) await subscriptions.put({ ...whole, target: executionId, mode: 'pull' });
  else await subscriptions.remove(key);
  return { executionId };
}

export async function acknowledge(
  deps: SubscribeDeps,
  { executionId, seq }: ToServer<'ack'>['payload'],
  { caller, connectionId, messageId }: Asker,
): Promise<void> {
  const sandboxId = await deps.places.of(executionId, caller.tenantId);
  const key = { sandboxId, target: executionId, connectionId };
  if (await deps.subscriptions.acknowledge(key, seq, messageId)) return;
  // It has a later one; or the execution has ended, and nobody waits for acks any more.
  if (await deps.subscriptions.get(key)) return;
  const execution = ownedBy(await deps.executions.get(executionId), caller.tenantId, executionId);
  if (execution.status === 'running') throw notSubscribed(executionId);
  if (seq > execution.lastSeq) throw ackOfFuture(executionId, seq, execution.lastSeq);
}

export async function more(
  deps: SubscribeDeps,
  { executionId, after }: ToServer<'more'>['payload'],
  { caller, connectionId }: Asker,
) {
  const record = await deps.executions.get(executionId);
  const execution = ownedBy(record, caller.tenantId, executionId);
  return { executionId, seq: await readOn(deps, { connectionId, execution, after }) };
}

const notSubscribed = (executionId: ExecutionId): AppError =>
  new AppError(
    'VALIDATION_ERROR',
    `payload: this connection has no subscription to ${executionId}. Send subscribe first.`,
    { details: { in: 'payload', executionId } },
  );
