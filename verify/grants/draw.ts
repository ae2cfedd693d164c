/** A few of many, by a seed that draws the same again. */
export function draw<T>(
  items: readonly T[],
  { count, seed }: { readonly count: number; readonly seed: number },
): readonly T[] {
  // A linear congruential generator: chance enough to pick a few of two hundred.
  let state = seed;
  const left = [...items];
  const drawn: T[] = [];
  while (drawn.length < count && left.length > 0) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    drawn.push(...left.splice(state % left.length, 1));
  }
  return drawn;
}
