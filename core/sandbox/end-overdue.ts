/**
 * The pool's minute: sandboxes that nobody ended. A creation that died half-way, and a sandbox past
 * its expiry whose agent did not end its task or whose STOPPED event never came.
 */
import { AGENT_DEADLINE_GRACE_MS } from '../../contract/limits.ts';
import { type CloseSandboxDeps, closeSandbox } from './end-sandbox.ts';

/** A creation that takes longer than this has no function behind it any more. */
const CREATING_MS = 60_000;
const AT_ONCE = 100;

/** When a sandbox that is being created is overdue. */
export const creationOverdueMs = (createdMs: number): number => createdMs + CREATING_MS;
/** When a running sandbox is: past the agent's own deadline, and the time its end may take. */
export const expiryOverdueMs = (expiresMs: number): number =>
  expiresMs + 2 * AGENT_DEADLINE_GRACE_MS;

/** Answers how many were ended. */
export async function endOverdue(deps: CloseSandboxDeps): Promise<number> {
  const overdue = await deps.sandboxes.overdue(deps.clock.iso(deps.clock.nowMs()), AT_ONCE);
  for (const { id, status } of overdue) {
    const reason = status === 'creating' ? 'init_timeout' : 'expired';
    await closeSandbox(deps, { id, reason, stopTask: true });
  }
  return overdue.length;
}
