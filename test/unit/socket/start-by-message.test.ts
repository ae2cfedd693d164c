/** An `execution.start` that comes again: its client hears of the execution that it started before. */
import { expect, it } from 'vitest';
import { type StartByMessageDeps, startByMessage } from '../../../core/socket/start-by-message.ts';
import { callerOf, iso, runningExecution, sandboxId, tenantId } from '../../helpers/records.ts';

it('whose output has expired is told so, under the execution that it names', async () => {
  const sandbox = { id: sandboxId(), tenantId: tenantId() };
  const { lease: _, ...started } = runningExecution(sandbox);
  const earlier = { ...started, status: 'finished', lastSeq: 3, outcome: 'ok' } as const;
  const posted: { type: string; payload: Record<string, unknown> }[] = [];
  const deps = {
    allowances: { take: async () => undefined },
    digest: { sha256: () => 'same' },
    sandboxes: { get: async () => ({ ...sandbox, status: 'stopped', runtime: 'python' }) },
    executions: { startOnce: async () => 'claimed', get: async () => earlier },
    idempotency: {
      find: async () => ({ resultId: earlier.id, bodySha256: 'same', expiresAt: iso(1e9) }),
    },
    output: { rowsAfter: async () => [], rowsUpTo: async () => [] },
    connections: {
      post: async (_: string, text: string) => {
        posted.push(JSON.parse(text));
        return 'sent';
      },
    },
    clock: { nowMs: () => 0, iso },
    leaseMs: 1_000,
    ids: { execution: () => 'ex', owner: () => 'o', jitter: (max: number) => max },
  } as unknown as StartByMessageDeps;
  await startByMessage(deps, {
    caller: callerOf({ tenantId: sandbox.tenantId }),
    connectionId: 'c',
    messageId: 'm',
    sandboxId: sandbox.id,
    body: { code: '1' },
    delivery: 1,
  });
  expect(posted.map(({ type }) => type)).toEqual(['execution.start', 'execution.error']);
  expect(posted[1]?.payload).toMatchObject({
    executionId: earlier.id,
    error: { code: 'CURSOR_EXPIRED' },
  });
});
