/**
 * Places for live sandboxes, each an item of its own: a counter would be a hot key on which bursts
 * cancel each other. Tried in random order; the table is asked only once the first is taken.
 */
import { AppError } from '../../contract/errors.ts';
import type { TenantId } from '../../contract/ids.ts';
import type { Ids } from '../ports.ts';
import type { SandboxStore, SlotOwner } from './sandbox-store.ts';

interface SlotDeps {
  readonly sandboxes: Pick<SandboxStore, 'takenSlots'>;
  readonly ids: Ids;
}

interface SlotSettings {
  readonly owner: SlotOwner;
  readonly limit: number;
  readonly allTaken: () => AppError;
}

export class Slots {
  readonly #deps: SlotDeps;
  readonly #settings: SlotSettings;
  #order: number[] | undefined;

  constructor(deps: SlotDeps, settings: SlotSettings) {
    this.#deps = deps;
    this.#settings = settings;
  }

  /** @throws {AppError} when all are taken */
  next(): number {
    if (!this.#order) return Math.floor(this.#deps.ids.jitter(this.#settings.limit));
    const [slot] = this.#order;
    if (slot === undefined) throw this.#settings.allTaken();
    return slot;
  }

  async lookUp(): Promise<void> {
    const { owner, limit } = this.#settings;
    const taken = new Set(await this.#deps.sandboxes.takenSlots(owner));
    const open = Array.from({ length: limit }, (_, slot) => slot).filter(
      (slot) => !taken.has(slot),
    );
    this.#order = this.#deps.ids.shuffle(open);
  }
}

export const tenantSlots = (deps: SlotDeps, owner: TenantId, limit: number): Slots =>
  new Slots(deps, {
    owner,
    limit,
    allTaken: () =>
      new AppError(
        'RESOURCE_LIMIT_ERROR',
        `This account already has ${limit} live sandboxes, the most at a time. Terminate one, or wait for one to end.`,
        { details: { allowed: limit }, retryAfterSeconds: 5 },
      ),
  });

/** How many others have is not the caller's to know. */
export const deploymentSlots = (deps: SlotDeps & { readonly maxLiveSandboxes: number }): Slots =>
  new Slots(deps, {
    owner: 'deployment',
    limit: deps.maxLiveSandboxes,
    allTaken: () =>
      new AppError(
        'CAPACITY_UNAVAILABLE',
        'This deployment runs as many sandboxes as its operator allows, those of other accounts included. Try again when some have ended.',
        { retryAfterSeconds: 30 },
      ),
  });
