/**
 * The stores of sandboxes, pools, events and keys in memory, with the same conditions as the real
 * ones: the suite of the stores runs on both. Exact, so that a thousand lives pass in a second.
 */
import { AppError } from '../../contract/errors.ts';
import type { IdempotencyClaim, IdempotencyStore } from '../../core/account/idempotency.ts';
import type { ExecutionStore } from '../../core/execution/execution-store.ts';
import type { FreeTask, PoolStore, PoolTask, Seat } from '../../core/pool/pool-task.ts';
import type { DomainEvent } from '../../core/ports.ts';
import type { OutboxStore } from '../../core/sandbox/outbox.ts';
import type { SandboxRecord } from '../../core/sandbox/sandbox.ts';
import type { Creation, CreationOutcome, SandboxStore } from '../../core/sandbox/sandbox-store.ts';

interface Row {
  record: SandboxRecord;
  /** Undefined once it has stopped. */
  overdueAt: string | undefined;
}

type Task = PoolTask & { readonly seat?: number };

/** The tables: what a transaction changes is changed between two awaits. */
class Tables {
  readonly sandboxes = new Map<string, Row>();
  readonly slots = new Map<string, string>();
  readonly tasks = new Map<string, Task>();
  readonly seats = new Map<string, Seat>();
  readonly events = new Map<string, DomainEvent>();
  readonly claims = new Map<string, IdempotencyClaim>();

  patch(id: string, change: object, without: readonly string[] = []): SandboxRecord | undefined {
    const row = this.sandboxes.get(id);
    if (!row) return undefined;
    const next = { ...row.record, ...change } as Record<string, unknown>;
    for (const name of without) delete next[name];
    row.record = next as unknown as SandboxRecord;
    return { ...row.record };
  }

  patchTask(launchId: string, change: object): boolean {
    const task = this.tasks.get(launchId);
    if (task) this.tasks.set(launchId, { ...task, ...change });
    return task !== undefined;
  }

  isFree({ launchId, pool, seat }: FreeTask): boolean {
    const holder = this.seats.get(`${pool}/${seat}`)?.launchId;
    return this.tasks.get(launchId)?.status === 'free' && holder === launchId;
  }

  take({ launchId, pool, seat }: FreeTask, sandboxId: string): void {
    this.patchTask(launchId, { status: 'claimed', sandboxId });
    this.seats.delete(`${pool}/${seat}`);
  }
}

const slotKey = (owner: string, slot: number) => `${owner}/${slot}`;
const deploymentKey = ({ deploymentSlot: slot }: { deploymentSlot?: number }) =>
  slot === undefined ? undefined : slotKey('deployment', slot);
const claimKey = ({
  tenantId,
  operation,
  key,
}: Pick<IdempotencyClaim, 'tenantId' | 'operation' | 'key'>) =>
  JSON.stringify([tenantId, operation, key]);

export function memoryStores() {
  const tables = new Tables();
  const close = async () => {};
  return {
    tables,
    sandboxes: sandboxStore(tables),
    pool: poolStore(tables),
    outbox: outboxStore(tables),
    idempotency: idempotencyStore(tables),
    executions: executionStore(tables),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function create(tables: Tables, creation: Creation): CreationOutcome {
  const { sandbox, task, idempotency, overdueAt } = creation;
  const slot = slotKey(sandbox.tenantId, sandbox.slot);
  const ofAll = deploymentKey(sandbox);
  const claimed = idempotency && tables.claims.get(claimKey(idempotency));
  if (claimed && claimed.expiresAt > sandbox.createdAt) return 'key_used';
  if (tables.slots.has(slot)) return 'slot_taken';
  if (ofAll && tables.slots.has(ofAll)) return 'deployment_slot_taken';
  if (task && !tables.isFree(task)) return 'task_taken';
  if (tables.sandboxes.has(sandbox.id)) throw new Error('the id of a new sandbox was taken');
  if (idempotency) tables.claims.set(claimKey(idempotency), idempotency);
  if (task) tables.take(task, sandbox.id);
  tables.slots.set(slot, sandbox.id);
  if (ofAll) tables.slots.set(ofAll, sandbox.id);
  tables.sandboxes.set(sandbox.id, { record: { ...sandbox }, overdueAt });
  return 'created';
}

function sandboxStore(tables: Tables): SandboxStore {
  const recordOf = (id: string) => tables.sandboxes.get(id)?.record;
  const setOverdue = (id: string, overdueAt: string | undefined) => {
    const row = tables.sandboxes.get(id);
    if (row) row.overdueAt = overdueAt;
  };
  return {
    get: async (id) => tables.patch(id, {}),
    create: async (creation) => create(tables, creation),
    takenSlots: async (owner) =>
      [...tables.slots.keys()]
        .filter((key) => key.startsWith(`${owner}/`))
        .map((key) => Number(key.split('/')[1])),

    async claimAnother(id, failed, task) {
      const record = recordOf(id);
      const isSame = record?.status === 'creating' && record.task?.launchId === failed;
      if (!isSame || !tables.isFree(task) || !tables.tasks.has(failed)) return false;
      const { launchId, taskArn, address } = task;
      tables.take(task, id);
      tables.patch(id, { task: { launchId, taskArn, address } });
      return tables.patchTask(failed, { status: 'bad' });
    },

    async place(id, { launchId, taskArn, address }, { expiresAt, overdueAt }) {
      const record = recordOf(id);
      if (tables.tasks.get(launchId)?.status !== 'launching') return false;
      if (record?.status !== 'creating' || record.task) return false;
      tables.patchTask(launchId, { status: 'claimed', taskArn, address });
      tables.patch(id, { task: { launchId, taskArn, address }, expiresAt });
      setOverdue(id, overdueAt);
      return true;
    },

    async markRunning(id, startedAt, overdueAt) {
      if (recordOf(id)?.status !== 'creating') return false;
      const without = ['env', 'ownLaunch', 'estimatedReadyAt'];
      tables.patch(id, { status: 'running', startedAt }, without);
      setOverdue(id, overdueAt);
      return true;
    },

    async keepToken(id, lifecycleToken) {
      const status = recordOf(id)?.status;
      return status === 'stopped' ? undefined : tables.patch(id, { lifecycleToken });
    },

    async change(id, { now, expiresAt }, { overdueAt, ...change }) {
      const record = recordOf(id);
      if (record?.status !== 'running' || record.expiresAt <= now) return undefined;
      if (record.expiresAt !== expiresAt) return undefined;
      if (overdueAt !== undefined) setOverdue(id, overdueAt);
      return tables.patch(id, change);
    },

    overdue: async (now, limit) =>
      [...tables.sandboxes.values()]
        .filter(({ overdueAt }) => overdueAt !== undefined && overdueAt < now)
        .sort((a, b) => ((a.overdueAt ?? '') < (b.overdueAt ?? '') ? -1 : 1))
        .slice(0, limit)
        .map(({ record }) => ({ ...record })),

    live: async () =>
      [...tables.sandboxes.values()]
        .filter(({ overdueAt }) => overdueAt !== undefined)
        .map(({ record: { id, status } }) => ({ id, status })),

    async postpone({ id, status }, overdueAt) {
      if (recordOf(id)?.status === status) setOverdue(id, overdueAt);
    },

    async requestEnd(id, { reason, at, overdueAt, expiredAt }) {
      const record = recordOf(id);
      const isLive = record?.status === 'creating' || record?.status === 'running';
      if (!record || !isLive || (expiredAt !== undefined && record.expiresAt > expiredAt))
        return tables.patch(id, {});
      setOverdue(id, overdueAt);
      return tables.patch(id, { status: 'stopping', endReason: reason, endRequestedAt: at });
    },

    async markStopped(ended, stoppedAt, event) {
      const { id, task, ownLaunch } = ended;
      const held = slotKey(ended.tenantId, ended.slot);
      if (recordOf(id)?.status !== 'stopping' || tables.slots.get(held) !== id) return false;
      tables.patch(id, { status: 'stopped', stoppedAt }, ['lifecycleToken', 'env']);
      setOverdue(id, undefined);
      tables.slots.delete(held);
      tables.slots.delete(deploymentKey(ended) ?? '');
      tables.events.set(event.id, event);
      const launchId = task?.launchId ?? ownLaunch;
      if (launchId !== undefined) tables.tasks.delete(launchId);
      return true;
    },

    async list(tenantId, { limit, cursor }) {
      const [of, from] = cursor ? (JSON.parse(cursor) as [string, number]) : [tenantId, 0];
      if (of !== tenantId) throw new AppError('VALIDATION_ERROR', 'a cursor of another list');
      const items = [...tables.sandboxes.values()]
        .map(({ record }) => ({ ...record }))
        .filter((record) => record.tenantId === tenantId)
        .sort((a, b) => (a.createdAt > b.createdAt ? -1 : 1));
      const to = from + limit;
      const next = to < items.length ? JSON.stringify([tenantId, to]) : null;
      return { items: items.slice(from, to), cursor: next };
    },
  };
}

function poolStore(tables: Tables): PoolStore {
  const isStatus = (launchId: string, ...wanted: string[]) =>
    wanted.includes(tables.tasks.get(launchId)?.status ?? '');
  const allFree = (pool: string) =>
    [...tables.tasks.values()]
      .filter((task): task is FreeTask => task.status === 'free' && task.pool === pool)
      .map((task) => ({ ...task }))
      .sort((a, b) => (a.launchId < b.launchId ? -1 : 1));
  return {
    async get(launchId) {
      const task = tables.tasks.get(launchId);
      return task && { ...task };
    },
    seats: async (pool) =>
      [...tables.seats]
        .filter(([key]) => key.startsWith(`${pool}/`))
        .map(([, seat]) => ({ ...seat })),
    async takeSeat(task) {
      const { pool, seat, launchId, launchedAt } = task;
      const key = `${pool}/${seat}`;
      if (tables.seats.has(key) || tables.tasks.has(launchId)) return false;
      tables.seats.set(key, { seat, launchId, takenAt: launchedAt });
      tables.tasks.set(launchId, task);
      return true;
    },
    async putLaunching(task) {
      if (!tables.tasks.has(task.launchId)) tables.tasks.set(task.launchId, task);
    },
    recordLaunch: async (launchId, taskArn) => tables.patchTask(launchId, { taskArn }),
    async markFree(launchId, taskArn, host) {
      const task = tables.tasks.get(launchId);
      if (task?.status !== 'starting') return false;
      const address = { host, network: task.network };
      return tables.patchTask(launchId, { status: 'free', taskArn, address });
    },
    giveUp: async (launchId, only) =>
      isStatus(launchId, ...(only ? [only] : (['starting', 'free'] as const))) &&
      tables.patchTask(launchId, { status: 'bad' }),
    async free(pool, { from, limit }) {
      const tasks = allFree(pool);
      const [after, before] = [
        tasks.filter(({ launchId }) => launchId >= from),
        tasks.filter(({ launchId }) => launchId < from),
      ];
      return [...after, ...before].slice(0, limit);
    },
    allFree: async (pool) => allFree(pool),
    async remove({ launchId, pool, seat }) {
      const key = `${pool}/${seat}`;
      if (seat !== undefined && tables.seats.get(key)?.launchId === launchId)
        tables.seats.delete(key);
      tables.tasks.delete(launchId);
    },
  };
}

const outboxStore = ({ events }: Tables): OutboxStore => ({
  pending: async (before, limit) =>
    [...events.values()]
      .filter(({ at }) => at < before)
      .sort((a, b) => (a.at < b.at ? -1 : 1))
      .slice(0, limit),
  async remove(id) {
    events.delete(id);
  },
});

const idempotencyStore = ({ claims }: Tables): IdempotencyStore => ({
  find: async (tenantId, operation, key) => claims.get(claimKey({ tenantId, operation, key })),
});

/** As much of executions as a sandbox's life knows of: how many run. */
function executionStore(
  tables: Tables,
): Pick<ExecutionStore, 'start' | 'discard' | 'finish' | 'list'> {
  const add = (id: string, count: number) => {
    const running = tables.sandboxes.get(id)?.record.runningExecutions ?? 0;
    tables.patch(id, { runningExecutions: running + count });
    return true;
  };
  return {
    async start({ sandboxId, createdAt }, maxRunning) {
      const record = tables.sandboxes.get(sandboxId)?.record;
      if (record?.status !== 'running' || record.expiresAt <= createdAt) return false;
      return record.runningExecutions < maxRunning && add(sandboxId, 1);
    },
    async discard(_, sandboxId) {
      add(sandboxId, -1);
    },
    list: async () => ({ items: [], cursor: null }),
    async finish(_, sandboxId) {
      add(sandboxId, -1);
      return 'ended';
    },
  };
}
