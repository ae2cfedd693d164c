/**
 * The results that an Execution shows, bounded in sum: what does not fit is left to the events. An
 * update takes the place of what was displayed under its id, as in `contract/results.ts`, whether
 * it is larger or smaller.
 */
import type { EventOf } from '../../contract/events.ts';
import { LIMITS } from '../../contract/limits.ts';
import type { Result } from '../../contract/rest/executions.ts';
import { resultOf } from '../../contract/results.ts';

export class KeptResults {
  #kept: { readonly result: Result; readonly chars: number }[] = [];
  #chars = 0;
  #truncated = false;

  /** True when some were left out. */
  get truncated(): boolean {
    return this.#truncated;
  }

  get results(): Result[] {
    return this.#kept.map(({ result }) => result);
  }

  add(event: EventOf<'result'>): void {
    const { displayId } = event;
    const result = resultOf(event);
    const made = { result, chars: JSON.stringify(result).length };
    const isOld = (old: Result) => displayId !== undefined && old.displayId === displayId;
    const replaced = event.update ? this.#kept.filter((kept) => isOld(kept.result)) : [];
    const grows = made.chars * Math.max(1, replaced.length) - sum(replaced);
    if (this.#chars + grows > LIMITS.summaryResultsBytes) {
      this.#truncated = true;
      return;
    }
    this.#chars += grows;
    if (replaced.length === 0) this.#kept.push(made);
    else this.#kept = this.#kept.map((kept) => (isOld(kept.result) ? made : kept));
  }
}

const sum = (kept: readonly { readonly chars: number }[]): number =>
  kept.reduce((chars, each) => chars + each.chars, 0);
