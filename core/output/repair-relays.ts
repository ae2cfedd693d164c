/** The pool's minute: whoever runs without a relay gets one, though nobody reads it. */
import type { ExecutionStore } from '../execution/execution-store.ts';
import type { Clock } from '../ports.ts';
import type { RelayStarter } from './output-log.ts';
import { askForRelay } from './take-over.ts';

const AT_ONCE = 100;

/** Answers how many relays were asked for. */
export async function repairRelays(deps: {
  executions: Pick<ExecutionStore, 'lapsed'>;
  relays: RelayStarter;
  clock: Clock;
}): Promise<number> {
  const now = deps.clock.iso(deps.clock.nowMs());
  const lapsed = await deps.executions.lapsed(now, AT_ONCE);
  const asked = await Promise.all(
    lapsed.map((execution) => askForRelay(deps.relays, execution, now)),
  );
  return asked.filter(Boolean).length;
}
