/** When a live sandbox is overdue: the minute's run looks at it then, because nobody else ended it. */
import { AGENT_DEADLINE_GRACE_MS } from '../../contract/limits.ts';
import type { Clock } from '../ports.ts';

/** A creation from a pool takes seconds, an end at most half a minute. */
const STEP_MS = 60_000;
/** The launch's own limit of 120 s, its repeats, and the step after it. */
const LAUNCH_MS = 240_000;

export const stepOverdueAt = (clock: Clock): string => clock.iso(clock.nowMs() + STEP_MS);
export const launchOverdueAt = (clock: Clock): string => clock.iso(clock.nowMs() + LAUNCH_MS);
/** Past the agent's own deadline, and the time that its end may take. */
export const expiryOverdueAt = (clock: Clock, expiresAt: string): string =>
  clock.iso(clock.msOf(expiresAt) + 2 * AGENT_DEADLINE_GRACE_MS);
