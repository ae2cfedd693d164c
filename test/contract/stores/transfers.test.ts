/** The records of large files on their way: one copies at a time, and the end is the last word. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { UploadRecord } from '../../../core/files/transfer.ts';
import { ids } from '../../../lambdas/shared/system.ts';
import { startStores } from '../../helpers/dynamo-stores.ts';
import { sandboxId, tenantId } from '../../helpers/records.ts';

let stores: Awaited<ReturnType<typeof startStores>>;
beforeAll(async () => {
  stores = await startStores();
});
afterAll(() => stores.close());

const upload = (): UploadRecord => ({
  kind: 'upload',
  id: ids.upload(),
  sandboxId: sandboxId(),
  tenantId: tenantId(),
  path: 'a/b',
  sizeBytes: 3,
  sha256: '0'.repeat(64),
  state: 'waiting',
  createdAt: '2030-01-01T00:00:00.000Z',
});
const at = (second: number) => `2030-01-01T00:00:${String(second).padStart(2, '0')}.000Z`;

it('a transfer is copied by one at a time, by the next once its lease has lapsed', async () => {
  const record = upload();
  const { transfers } = stores;
  await transfers.put(record);
  expect(await transfers.get(record.id)).toEqual(record);
  const takes = await Promise.all(
    [1, 2, 3].map(() => transfers.takeLease(record.id, at(10), at(0))),
  );
  expect(takes.filter(Boolean)).toHaveLength(1);
  expect(await transfers.takeLease(record.id, at(20), at(9))).toBe(false);
  await transfers.renewLease(record.id, at(15));
  expect(await transfers.takeLease(record.id, at(20), at(12))).toBe(false);
  expect(await transfers.takeLease(record.id, at(30), at(15))).toBe(true);
});

it('a failed one can be begun again, a done one cannot', async () => {
  const record = upload();
  const { transfers } = stores;
  await transfers.put(record);
  await transfers.takeLease(record.id, at(10), at(0));
  const error = { code: 'RESOURCE_LIMIT_ERROR', message: 'full' } as const;
  await transfers.end(record.id, { state: 'failed', error });
  expect(await transfers.get(record.id)).toEqual({ ...record, state: 'failed', error });
  expect(await transfers.takeLease(record.id, at(20), at(1))).toBe(true);
  await transfers.end(record.id, { state: 'done', sizeBytes: 3 });
  await transfers.end(record.id, { state: 'failed', error });
  expect(await transfers.takeLease(record.id, at(50), at(49))).toBe(false);
  expect(await transfers.get(record.id)).toEqual({ ...record, state: 'done' });
});
