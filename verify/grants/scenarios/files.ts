/** Files, small ones by the API and large ones by the bucket: `files`, `transfer`. */
import { createHash, randomBytes } from 'node:crypto';
import { expect, type Scenario, type World } from '../scenario.ts';

const bytes = Uint8Array.from(randomBytes(300_000));
const sha256 = createHash('sha256').update(bytes).digest('hex');

interface Upload {
  readonly id: string;
  readonly url: string;
  readonly headers: Record<string, string>;
}

const beginUpload = async (world: World, sandboxId: string): Promise<Upload> => {
  const body = { path: 'up.bin', sizeBytes: bytes.length, sha256 };
  const { data } = await world.call(`/sandboxes/${sandboxId}/uploads`, { body });
  return data as unknown as Upload;
};

const untilDone = (world: World, path: string, method: string) =>
  world.until(async () => (await world.call(path, { method })).status === 200);

/** A small one, by the API. */
export async function writeAndRead(world: World, id: string): Promise<void> {
  const path = `/sandboxes/${id}/files?path=a.txt`;
  await world.call(path, { method: 'PUT', raw: 'text' });
  const { data } = await world.call(path);
  expect(data['text'] === 'text', 'the text is read');
  await world.call(`/sandboxes/${id}/files/list?path=.`);
}

/** A large one, by the bucket. */
export async function copyUpAndDown(world: World, id: string): Promise<void> {
  const upload = await beginUpload(world, id);
  const put = await fetch(upload.url, { method: 'PUT', body: bytes, headers: upload.headers });
  expect(put.status === 200, `PUT: ${put.status}`);
  await untilDone(world, `/sandboxes/${id}/uploads/${upload.id}/complete`, 'POST');
  const { data } = await world.call(`/sandboxes/${id}/downloads`, { body: { path: 'up.bin' } });
  const place = `/sandboxes/${id}/downloads/${String(data['id'])}`;
  await untilDone(world, place, 'GET');
  const { data: download } = await world.call(place);
  const got = await fetch(String(download['url']));
  expect(got.status === 200, `GET: ${got.status}`);
  const read = createHash('sha256')
    .update(await got.bytes())
    .digest('hex');
  expect(read === sha256, 'the same bytes come back');
}

export const fileScenarios: readonly Scenario[] = [
  {
    name: 'a small file is written and read',
    async run(world) {
      await writeAndRead(world, await world.sandbox());
    },
  },
  {
    name: 'a file goes up by the bucket and comes down by it',
    async run(world) {
      await copyUpAndDown(world, await world.sandbox());
    },
  },
  {
    name: 'an upload of which nothing came is refused as such',
    async run(world) {
      const id = await world.sandbox();
      const upload = await beginUpload(world, id);
      await world.call(`/sandboxes/${id}/uploads/${upload.id}/complete`, { method: 'POST' }, 400);
    },
  },
];
