/** The time limit that a call of a service brings with it, and whether it has passed. */
export interface Deadline extends Disposable {
  readonly passed: boolean;
}

/** @param graceMs for what ends at the same time and has the first word on it */
export function deadline(
  timeoutMs: number | undefined,
  graceMs: number,
  onPass: () => void,
): Deadline {
  const state = { passed: false };
  const pass = () => {
    state.passed = true;
    onPass();
  };
  const timer = timeoutMs === undefined ? undefined : setTimeout(pass, timeoutMs + graceMs);
  return Object.assign(state, { [Symbol.dispose]: () => clearTimeout(timer) });
}
