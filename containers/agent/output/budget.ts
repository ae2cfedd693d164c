/**
 * What of an execution's output is kept: its head up to the cap, then results and errors within the
 * grace. Pure accounting; must never count a byte as both kept and dropped.
 */
export interface BudgetLimits {
  readonly capBytes: number;
  /** For results and errors, beyond the cap. */
  readonly graceBytes: number;
}

export class OutputBudget {
  #capBytes: number;
  readonly #graceBytes: number;
  #used = 0;
  #dropped = 0;
  #capped = false;
  #errors = 0;

  constructor(limits: BudgetLimits) {
    this.#capBytes = limits.capBytes;
    this.#graceBytes = limits.graceBytes;
  }

  get droppedBytes(): number {
    return this.#dropped;
  }

  get usedBytes(): number {
    return this.#used;
  }

  get capped(): boolean {
    return this.#capped;
  }

  /** From here on stdout and stderr are discarded, and no more than the grace is kept. */
  cap(): void {
    this.#capped = true;
    this.#capBytes = Math.min(this.#capBytes, this.#used);
  }

  /** How many of the bytes of stdout or stderr fit. */
  room(sizeBytes: number): number {
    if (this.#capped) return 0;
    return Math.min(sizeBytes, this.#capBytes - this.#used);
  }

  keep(sizeBytes: number): void {
    this.#used += sizeBytes;
  }

  drop(sizeBytes: number): void {
    this.#dropped += sizeBytes;
  }

  /** Whether a result fits; `crossed` when it is the first thing beyond the cap. */
  admitResult(sizeBytes: number): { kept: boolean; crossed: boolean } {
    const over = this.#used + sizeBytes > this.#capBytes;
    const crossed = over && !this.#capped;
    if (crossed) this.#capped = true;
    const kept = this.#used + sizeBytes <= this.#capBytes + this.#graceBytes;
    if (kept) this.keep(sizeBytes);
    else this.drop(sizeBytes);
    return { kept, crossed };
  }

  /** The first error always passes: it is why the code ended. Others count as results. */
  admitError(sizeBytes: number): { kept: boolean; crossed: boolean } {
    this.#errors += 1;
    if (this.#errors > 1) return this.admitResult(sizeBytes);
    this.keep(sizeBytes);
    return { kept: true, crossed: false };
  }
}
