/** An upload is begun once under an Idempotency-Key, however often it is asked for: over the real stores. */
import { expect, test } from 'vitest';
import type { IdempotencyKey } from '../../../core/account/idempotency.ts';
import { createUpload, URL_LIFE_MS } from '../../../core/files/uploads.ts';
import {
  caller,
  end,
  forEachLife,
  type LifeWorld,
  runningSandbox,
} from '../../helpers/life-world.ts';
import { callerOf } from '../../helpers/records.ts';

let world: LifeWorld;
forEachLife((life) => {
  ({ world } = life);
});

const asked = (over: Partial<IdempotencyKey> = {}): IdempotencyKey => ({
  operation: 'createUpload',
  key: 'k',
  bodySha256: 'a',
  ...over,
});

async function uploads() {
  const { id: sandboxId } = await runningSandbox(world);
  let urls = 0;
  const deps = {
    ...world.deps,
    objects: {
      presignPut: async (key: string) => ({ url: `https://bucket/${key}?${++urls}`, headers: {} }),
      presignGet: async () => '',
      sizeOf: async () => undefined,
    },
    starter: { start: async () => {} },
    transferWaitMs: 0,
    transferLeaseMs: 1_000,
  };
  const input = { sandboxId, path: 'big', sizeBytes: 3, sha256: 'f'.repeat(64) };
  const begin = (key?: IdempotencyKey, by = caller) =>
    createUpload(deps, { input, asked: key }, by);
  return { begin, sandboxId };
}

test('a repeat is answered the same upload with a fresh URL, also when both come at once', async () => {
  const { begin } = await uploads();
  const [first, second] = await Promise.all([begin(asked()), begin(asked())]);
  world.pass(URL_LIFE_MS / 2);
  const third = await begin(asked());
  expect(new Set([first.id, second.id, third.id]).size).toBe(1);
  expect(new Set([first.url, second.url, third.url]).size).toBe(3);
  expect(third.createdAt).toBe(first.createdAt);
  expect(third.urlExpiresAt > first.urlExpiresAt).toBe(true);
});

test('another body under the key is a conflict; another key, no key or another tenant is another upload', async () => {
  const { begin } = await uploads();
  const { id } = await begin(asked());
  await expect(begin(asked({ bodySha256: 'b' }))).rejects.toMatchObject({
    code: 'IDEMPOTENCY_CONFLICT',
  });
  for (const key of [asked({ key: 'other' }), undefined])
    expect((await begin(key)).id).not.toBe(id);
  await expect(begin(asked(), callerOf())).rejects.toMatchObject({ code: 'SANDBOX_NOT_FOUND' });
});

test('a repeat still answers when the sandbox is gone', async () => {
  const { begin, sandboxId } = await uploads();
  const { id } = await begin(asked());
  await end(world, sandboxId);
  expect((await begin(asked())).id).toBe(id);
  await expect(begin(asked({ key: 'late' }))).rejects.toMatchObject({ code: 'SANDBOX_GONE' });
});
