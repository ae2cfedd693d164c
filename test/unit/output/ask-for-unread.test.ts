/** Who asks for the relays of what goes on by itself, and for how many. */
import { expect, it } from 'vitest';
import type { ExecutionRecord } from '../../../core/execution/execution.ts';
import { NOBODY } from '../../../core/execution/execution.ts';
import { askForUnread } from '../../../core/output/take-over.ts';
import { iso, runningExecution, sandboxId, tenantId } from '../../helpers/records.ts';

const sandbox = { id: sandboxId(), tenantId: tenantId() };
const lease = { owner: NOBODY, epoch: 0, until: iso(3_600_000) };
const process = (): ExecutionRecord => {
  const { language: _, ...rest } = runningExecution(sandbox, { pid: 7 });
  return { ...rest, lease };
};
const run = (): ExecutionRecord =>
  runningExecution(sandbox, { lease: { ...lease, owner: 'relay' } });

async function askedFor(pages: readonly (readonly ExecutionRecord[])[], unread: number) {
  const asked: string[] = [];
  let looks = 0;
  await askForUnread(
    {
      executions: {
        list: async (_, { cursor }) => {
          looks += 1;
          const at = Number(cursor ?? 0);
          const next = at + 1 < pages.length ? String(at + 1) : null;
          return { items: [...(pages[at] ?? [])], cursor: next };
        },
      },
      relays: { start: async ({ executionId }) => void asked.push(executionId) },
      clock: { nowMs: () => 0, iso } as never,
    },
    { id: sandbox.id, unread },
  );
  return { asked, looks };
}

it('a process behind a page of other executions is found', async () => {
  const old = process();
  const { asked } = await askedFor(
    [
      [run(), run()],
      [run(), old],
    ],
    1,
  );
  expect(asked).toEqual([old.id]);
});

it('nothing is looked at beyond the last that is unread, nor where all is read', async () => {
  expect(await askedFor([[process()], [run()]], 1)).toMatchObject({ looks: 1 });
  expect(await askedFor([[run()]], 0)).toEqual({ asked: [], looks: 0 });
});
