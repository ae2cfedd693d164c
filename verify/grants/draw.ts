/** A few of many, by a seed that draws the same again. */
import { shuffled } from '../shared/shuffled.ts';

export const draw = <T>(
  items: readonly T[],
  { count, seed }: { readonly count: number; readonly seed: number },
): readonly T[] => shuffled(items, seed).slice(0, count);
