/**
 * The minute's look at lives: a record that nobody moves any more gets a lifecycle, or is ended
 * where its lifecycle has come to nothing. Repeats are harmless; what is in order is left alone.
 */
import type { SandboxId } from '../../contract/ids.ts';
import type { EndReason } from '../../contract/rest/sandboxes.ts';
import type { Lifecycle } from '../ports.ts';
import { type EndSandboxDeps, endSandbox } from './end-sandbox.ts';
import { launchOverdueAt } from './overdue.ts';
import { requestEnd } from './request-end.ts';
import type { SandboxRecord } from './sandbox.ts';

export interface ReconcileDeps extends EndSandboxDeps {
  readonly lifecycle: Lifecycle;
}

export interface Reconciled {
  /** Lifecycles that were begun in place of a function that died. */
  readonly started: SandboxId[];
  readonly ended: SandboxId[];
}

const AT_ONCE = 100;

export async function reconcileSandboxes(deps: ReconcileDeps): Promise<Reconciled> {
  const overdue = await deps.sandboxes.overdue(deps.clock.iso(deps.clock.nowMs()), AT_ONCE);
  const started: SandboxId[] = [];
  const ended: SandboxId[] = [];
  for (const sandbox of overdue) {
    if (await begun(deps, sandbox)) {
      started.push(sandbox.id);
      continue;
    }
    // Its lifecycle is told, in case it waits, and not waited for.
    await requestEnd(deps, { id: sandbox.id, reason: reasonOf(sandbox) });
    await endSandbox(deps, { id: sandbox.id, reason: reasonOf(sandbox) });
    ended.push(sandbox.id);
  }
  return { started, ended };
}

/** True when it had no lifecycle and has one now. */
async function begun(deps: ReconcileDeps, sandbox: SandboxRecord): Promise<boolean> {
  const start = sandbox.status === 'creating' && !sandbox.task ? 'launch' : 'repair';
  const { id: sandboxId, expiresAt } = sandbox;
  if ((await deps.lifecycle.start({ sandboxId, start, expiresAt })) === 'exists') return false;
  await deps.sandboxes.postpone(sandboxId, launchOverdueAt(deps.clock));
  return true;
}

const reasonOf = (sandbox: SandboxRecord): EndReason =>
  sandbox.status === 'creating' ? 'init_timeout' : 'expired';
