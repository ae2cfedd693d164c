/**
 * The claim: everything that a creation takes, in one transaction, so that nothing is ever half
 * taken. Whichever of a free task, a slot or the idempotency key another took first, the next is
 * tried. Slots are items of their own: a counter would be a hot key on which bursts cancel each other.
 */
import { AppError } from '../../contract/errors.ts';
import type { TenantId } from '../../contract/ids.ts';
import type { IdempotencyClaim } from '../account/idempotency.ts';
import {
  type FreeTask,
  type OpenSeat,
  type Pool,
  type PoolStore,
  poolKeyOf,
} from '../pool/pool-task.ts';
import type { Clock, Ids } from '../ports.ts';
import { launchOverdueAt, stepOverdueAt } from './overdue.ts';
import type { CreatingSandbox, Placed } from './sandbox.ts';
import type { SandboxStore } from './sandbox-store.ts';

export interface ClaimDeps {
  readonly sandboxes: SandboxStore;
  readonly pool: PoolStore;
  readonly clock: Clock;
  readonly ids: Ids;
  /** How long a launch takes as a rule. */
  readonly launchEstimateMs: number;
}

export type Claim =
  | {
      readonly kind: 'hit';
      readonly sandbox: Placed<CreatingSandbox>;
      readonly opened: OpenSeat;
    }
  | { readonly kind: 'miss'; readonly sandbox: CreatingSandbox }
  /** The idempotency key was used meanwhile. */
  | { readonly kind: 'key_used' };

export interface ClaimRequest {
  readonly wanted: CreatingSandbox;
  readonly pool: Pool;
  readonly idempotency: IdempotencyClaim | undefined;
  /** The most sandboxes of the tenant at a time. */
  readonly liveSandboxes: number;
}

const CANDIDATES = 10;
/** Rows that another took are normal in a burst; after so many pages of them the pool counts as empty. */
const PAGES = 10;

export async function claimTask(deps: ClaimDeps, request: ClaimRequest): Promise<Claim> {
  const slots = new Slots(deps, request);
  for (let page = 0; page < PAGES; page++) {
    const free = await deps.pool.free(poolKeyOf(request.pool), {
      from: deps.ids.launch(),
      limit: CANDIDATES,
    });
    if (free.length === 0) break;
    for (const task of deps.ids.shuffle(free)) {
      const claim = await put(deps, request, slots, task);
      if (claim) return claim;
    }
  }
  const launched = await put(deps, request, slots, undefined);
  if (!launched) throw new Error('a creation without a task found its task taken');
  return launched;
}

/** Undefined when the task was taken by another. */
async function put(
  deps: ClaimDeps,
  { wanted, idempotency }: ClaimRequest,
  slots: Slots,
  task: FreeTask | undefined,
): Promise<Claim | undefined> {
  while (true) {
    const slot = slots.next();
    const claim = task ? hit(wanted, slot, task) : miss(deps, wanted, slot);
    const overdueAt = task ? stepOverdueAt(deps.clock) : launchOverdueAt(deps.clock);
    const outcome = await deps.sandboxes.create({ ...claim, task, idempotency, overdueAt });
    switch (outcome) {
      case 'created':
        return claim;
      case 'key_used':
        return { kind: 'key_used' };
      case 'slot_taken':
        await slots.lookUp();
        break;
      case 'task_taken':
        return undefined;
    }
  }
}

const hit = (
  wanted: CreatingSandbox,
  slot: number,
  { launchId, taskArn, address, pool, seat }: FreeTask,
): Extract<Claim, { kind: 'hit' }> => ({
  kind: 'hit',
  sandbox: { ...wanted, slot, task: { launchId, taskArn, address } },
  opened: { pool, seat },
});

const miss = (
  { ids, clock, launchEstimateMs }: ClaimDeps,
  wanted: CreatingSandbox,
  slot: number,
): Extract<Claim, { kind: 'miss' }> => ({
  kind: 'miss',
  sandbox: {
    ...wanted,
    slot,
    ownLaunch: ids.launch(),
    estimatedReadyAt: clock.iso(clock.nowMs() + launchEstimateMs),
  },
});

/** One tenant's places, tried in random order; the table is asked only once the first is taken. */
class Slots {
  readonly #deps: ClaimDeps;
  readonly #tenantId: TenantId;
  readonly #limit: number;
  #order: number[] | undefined;

  constructor(deps: ClaimDeps, { wanted, liveSandboxes }: ClaimRequest) {
    this.#deps = deps;
    this.#tenantId = wanted.tenantId;
    this.#limit = liveSandboxes;
  }

  /** @throws {AppError} RESOURCE_LIMIT_ERROR when all are taken */
  next(): number {
    if (!this.#order) return Math.floor(this.#deps.ids.jitter(this.#limit));
    const [slot] = this.#order;
    if (slot === undefined) throw allTaken(this.#limit);
    return slot;
  }

  async lookUp(): Promise<void> {
    const taken = new Set(await this.#deps.sandboxes.takenSlots(this.#tenantId));
    const open = Array.from({ length: this.#limit }, (_, slot) => slot).filter(
      (slot) => !taken.has(slot),
    );
    this.#order = this.#deps.ids.shuffle(open);
  }
}

const allTaken = (allowed: number): AppError =>
  new AppError(
    'RESOURCE_LIMIT_ERROR',
    `This account already has ${allowed} live sandboxes, the most at a time. Terminate one, or wait for one to end.`,
    { details: { allowed }, retryAfterSeconds: 5 },
  );
