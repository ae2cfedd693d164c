/** What is told of a relay's end, which an alarm of long chains goes by. */
import { expect, it } from 'vitest';
import { takeOver } from '../../../core/output/take-over.ts';
import { runningExecution, sandboxId, tenantId } from '../../helpers/records.ts';
import { VirtualClock } from '../../helpers/virtual-clock.ts';

it.each([
  ['a run', {}, false],
  ['a process', { pid: 7 }, true],
  ['a watch', { watch: '.' }, true],
])('of %s it says whether it is read on demand', async (_, kind, onDemand) => {
  const execution = runningExecution({ id: sandboxId(), tenantId: tenantId() }, kind);
  const deps = {
    executions: { get: async () => execution, takeLease: async () => false },
    clock: new VirtualClock(),
    ids: { owner: () => 'me' },
    leaseMs: 1_000,
  } as unknown as Parameters<typeof takeOver>[0];
  const request = { executionId: execution.id, epoch: 2, hop: 10 };
  expect(await takeOver(deps, request)).toEqual({ end: 'not_needed', onDemand });
});
