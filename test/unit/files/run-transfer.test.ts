/** Copying a large file: slices that are cut go on, what may pass is tried again, what may not is told. */
import { describe, expect, it } from 'vitest';
import type { AgentErrorBody } from '../../../contract/errors.ts';
import { runTransfer } from '../../../core/files/run-transfer.ts';
import type { TransferRecord, UploadRecord } from '../../../core/files/transfer.ts';
import type { TransferEnd } from '../../../core/files/transfer-store.ts';
import { AgentUnreachable } from '../../../core/ports.ts';
import { ids } from '../../../lambdas/shared/system.ts';
import { creatingSandbox, freed, iso, startingTask } from '../../helpers/records.ts';

const MIB = 1024 * 1024;
const entry = {
  path: '/home/user/x',
  name: 'x',
  type: 'file',
  sizeBytes: 75 * MIB,
  mode: '644',
  modifiedAt: iso(0),
  version: '1-1',
} as const;

/** Each slice is answered by the next: how far it comes, an error of the agent, or a cut after some bytes. */
type Slice = 'whole' | { cutAfter: number } | AgentErrorBody;

async function copy(slices: Slice[], over: Partial<UploadRecord> = {}) {
  const sandbox = {
    ...creatingSandbox(freed(startingTask())),
    status: 'running',
    startedAt: iso(0),
  } as const;
  const record: TransferRecord = {
    kind: 'upload',
    id: ids.upload(),
    sandboxId: sandbox.id,
    tenantId: sandbox.tenantId,
    path: 'x',
    sizeBytes: entry.sizeBytes,
    sha256: '0'.repeat(64),
    state: 'copying',
    createdAt: iso(0),
    ...over,
  };
  let offset = 0;
  let end: TransferEnd | undefined;
  const copied: string[] = [];
  const json = (body: unknown) => ({ status: 200, body: JSON.stringify(body) });
  const state = await runTransfer(
    {
      sandboxes: { get: async () => sandbox } as never,
      transfers: {
        get: async () => record,
        renewLease: async () => {},
        end: async (_: unknown, how: TransferEnd) => {
          end = how;
        },
      } as never,
      objects: { presignGet: async () => 'https://bucket' } as never,
      clock: { nowMs: () => 0, iso, sleep: async () => {} } as never,
      transferLeaseMs: 1_000,
      gateway: {
        call: async (_: unknown, { path }: { path: string }) =>
          json(path.endsWith('/finish') ? entry : { offset }),
        transfer: async (_: unknown, { source }: { source: { from: number; to: number } }) => {
          const slice = slices.shift() ?? 'whole';
          if (slice !== 'whole' && 'code' in slice)
            return { status: 409, headers: {}, bytes: Buffer.from(JSON.stringify(slice)) };
          const to = slice === 'whole' ? source.to + 1 : source.from + slice.cutAfter;
          copied.push(`${source.from / MIB}-${to / MIB}`);
          offset = to;
          if (slice !== 'whole') throw new AgentUnreachable('cut');
          return { status: 200, headers: {}, bytes: Buffer.from(JSON.stringify({ offset })) };
        },
      } as never,
    },
    record.id,
  );
  return { state, end, copied };
}

describe('a large file', () => {
  it('goes in slices, and from where one was cut', async () => {
    const { state, copied, end } = await copy(['whole', { cutAfter: 10 * MIB }]);
    expect(copied).toEqual(['0-32', '32-42', '42-74', '74-75']);
    expect([state, end?.entry]).toEqual(['done', entry]);
  });

  it('that the agent knows to stand elsewhere goes on there', async () => {
    const elsewhere = { code: 'INVALID_SANDBOX_STATE', message: 'offset: is not where' } as const;
    expect((await copy(['whole', elsewhere])).copied).toEqual(['0-32', '32-64', '64-75']);
  });

  it('that never gets through is given up, and says that asking again may help', async () => {
    const { state, end } = await copy(Array.from({ length: 9 }, () => ({ cutAfter: 0 })));
    expect([state, end?.error?.code]).toEqual(['failed', 'AGENT_UNREACHABLE']);
  });

  it('that does not fit is told at once', async () => {
    const full = { code: 'RESOURCE_LIMIT_ERROR', message: 'path: does not fit' } as const;
    const { state, end, copied } = await copy([full]);
    expect([state, end?.error, copied]).toEqual(['failed', full, []]);
  });

  it('is copied by nobody who does not hold its lease', async () => {
    expect(await copy([], { state: 'waiting' })).toMatchObject({ state: undefined, copied: [] });
  });
});
