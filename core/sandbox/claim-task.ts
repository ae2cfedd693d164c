/**
 * The claim: everything that a creation takes, in one transaction, so that nothing is ever half
 * taken. Whichever of a free task, a slot or the idempotency key another took first, the next is
 * tried. Slots are of two kinds: the tenant's and the deployment's, which is the ceiling on tasks: what
 * lives has a slot, what waits in a pool has a seat, and nothing else is launched.
 */
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
import { deploymentSlots, type Slots, tenantSlots } from './slots.ts';

export interface ClaimDeps {
  readonly sandboxes: SandboxStore;
  readonly pool: PoolStore;
  readonly clock: Clock;
  readonly ids: Ids;
  /** The most sandboxes at a time, of all tenants together. */
  readonly maxLiveSandboxes: number;
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
  const { tenantId } = request.wanted;
  const slots = {
    tenant: tenantSlots(deps, tenantId, request.liveSandboxes),
    deployment: deploymentSlots(deps),
  };
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
  slots: { readonly tenant: Slots; readonly deployment: Slots },
  task: FreeTask | undefined,
): Promise<Claim | undefined> {
  while (true) {
    const taking = { slot: slots.tenant.next(), deploymentSlot: slots.deployment.next() };
    const seated = { ...wanted, ...taking };
    const claim = task ? hit(seated, task) : miss(deps, seated);
    const overdueAt = task ? stepOverdueAt(deps.clock) : launchOverdueAt(deps.clock);
    const outcome = await deps.sandboxes.create({ ...claim, task, idempotency, overdueAt });
    switch (outcome) {
      case 'created':
        return claim;
      case 'key_used':
        return { kind: 'key_used' };
      case 'slot_taken':
        await slots.tenant.lookUp();
        break;
      case 'deployment_slot_taken':
        await slots.deployment.lookUp();
        break;
      case 'task_taken':
        return undefined;
    }
  }
}

const hit = (
  wanted: CreatingSandbox,
  { launchId, taskArn, address, pool, seat }: FreeTask,
): Extract<Claim, { kind: 'hit' }> => ({
  kind: 'hit',
  sandbox: { ...wanted, task: { launchId, taskArn, address } },
  opened: { pool, seat },
});

const miss = (
  { ids, clock, launchEstimateMs }: ClaimDeps,
  wanted: CreatingSandbox,
): Extract<Claim, { kind: 'miss' }> => ({
  kind: 'miss',
  sandbox: {
    ...wanted,
    ownLaunch: ids.launch(),
    estimatedReadyAt: clock.iso(clock.nowMs() + launchEstimateMs),
  },
});
