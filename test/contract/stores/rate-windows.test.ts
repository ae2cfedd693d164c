/** Minutes of keys, on the DynamoDB adapter over the stand-in. */
import { expect, test } from 'vitest';
import { startStores } from '../../helpers/dynamo-stores.ts';
import { keyId } from '../../helpers/records.ts';

test('of many that take from a minute at once, its limit succeeds; another minute or key is another', async () => {
  await using stores = await startStores();
  const [mine, other] = [keyId(), keyId()];
  const minute = Math.floor(Date.now() / 60_000);
  const amount = { count: 2, limit: 10 };
  const window = { keyId: mine, minute };
  const taken = await Promise.all(
    Array.from({ length: 20 }, () => stores.windows.take(window, amount)),
  );
  expect(taken.filter(Boolean)).toHaveLength(5);
  expect(await stores.windows.take({ keyId: mine, minute: minute + 1 }, amount)).toBe(true);
  expect(await stores.windows.take({ keyId: other, minute }, amount)).toBe(true);
});
