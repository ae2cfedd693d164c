/**
 * The minute's look at lives: a record that nobody moves any more gets a lifecycle, or is ended
 * where its lifecycle has come to nothing. Repeats are harmless; what is in order is left alone.
 */
import type { SandboxId } from '../../contract/ids.ts';
import type { EndReason } from '../../contract/rest/sandboxes.ts';
import type { Lifecycle } from '../ports.ts';
import { type EndSandboxDeps, endSandbox } from './end-sandbox.ts';
import { expiryOverdueAt, launchOverdueAt } from './overdue.ts';
import { requestEnd } from './request-end.ts';
import type { SandboxRecord } from './sandbox.ts';

export interface ReconcileDeps extends EndSandboxDeps {
  readonly lifecycle: Lifecycle;
}

export interface Reconciled {
  /** Lifecycles that were begun in place of a function that died. */
  readonly started: SandboxId[];
  readonly ended: SandboxId[];
  /** What kept the others: they are looked at again in a minute. */
  readonly failed: string[];
}

const AT_ONCE = 50;

/** Side by side, and each for itself: one that cannot be ended must not keep the others. */
export async function reconcileSandboxes(deps: ReconcileDeps): Promise<Reconciled> {
  const overdue = await deps.sandboxes.overdue(deps.clock.iso(deps.clock.nowMs()), AT_ONCE);
  const looks = await Promise.allSettled(overdue.map(({ id }) => look(deps, id)));
  const found = looks.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const idsOf = (did: Look['did']) => found.flatMap((each) => (each.did === did ? [each.id] : []));
  return {
    started: idsOf('started'),
    ended: idsOf('ended'),
    failed: looks.flatMap((each) => (each.status === 'rejected' ? [String(each.reason)] : [])),
  };
}

interface Look {
  readonly id: SandboxId;
  readonly did: 'started' | 'ended' | 'left';
}

/** The index lags: the record itself says what it is. */
async function look(deps: ReconcileDeps, id: SandboxId): Promise<Look> {
  const sandbox = await deps.sandboxes.get(id);
  if (!sandbox || sandbox.status === 'stopped') return { id, did: 'left' };
  if (await begun(deps, sandbox)) return { id, did: 'started' };
  // Its lifecycle is told, in case it waits, and not waited for.
  const asked = await requestEnd(deps, { id, ...endOf(deps, sandbox) });
  if (asked?.status === 'running') {
    await deps.sandboxes.postpone(asked, expiryOverdueAt(deps.clock, asked.expiresAt));
    return { id, did: 'left' };
  }
  await endSandbox(deps, { id, reason: endOf(deps, sandbox).reason });
  return { id, did: 'ended' };
}

/** True when it had no lifecycle and has one now. */
async function begun(deps: ReconcileDeps, sandbox: SandboxRecord): Promise<boolean> {
  const start = sandbox.status === 'creating' && !sandbox.task ? 'launch' : 'repair';
  const { id: sandboxId, expiresAt } = sandbox;
  if ((await deps.lifecycle.start({ sandboxId, start, expiresAt })) === 'exists') return false;
  await deps.sandboxes.postpone(sandbox, launchOverdueAt(deps.clock));
  return true;
}

/** One that runs ends by its expiry alone. */
const endOf = (
  { clock }: ReconcileDeps,
  { status }: SandboxRecord,
): { reason: EndReason; expiredAt?: string } =>
  status === 'creating'
    ? { reason: 'init_timeout' }
    : {
        reason: 'expired',
        ...(status === 'running' ? { expiredAt: clock.iso(clock.nowMs()) } : {}),
      };
