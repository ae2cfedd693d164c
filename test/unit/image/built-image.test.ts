import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { addImage, removeImagesIn, removeOldImages } from '../../../local/image/store.ts';
import {
  ChosenRuntimes,
  findRuntimes,
  NoBuiltImageError,
} from '../../../local/sandboxes/built-image.ts';
import { newOwnerName } from '../../../local/sandboxes/owner.ts';

let place: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'built-'));
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

const digest = (letter: string): string => letter.repeat(64);

const add = (letter: string, fill = fillRoot) =>
  addImage({
    place,
    facts: {
      digest: digest(letter),
      imageId: 'sha256:1',
      tag: 'localhost/x',
      builder: 'buildah',
      target: 'python',
      architecture: 'x86_64',
      base: { reference: 'localhost/base', origin: 'debootstrap', digest: '' },
      builtAt: '2026-01-01T00:00:00.000Z',
    },
    fill,
  });

async function fillRoot(root: string): Promise<void> {
  await mkdir(join(root, 'opt/agent'), { recursive: true });
  writeFileSync(join(root, 'opt/agent/packages.txt'), 'one 1\ntwo 2\n');
}

const find = (choice: 'auto' | 'host' | 'built', letter: string) =>
  findRuntimes({ choice, places: [join(place, 'none'), place] }, digest(letter));

it('an image is used where its digest is that of the build, and is not where it was not asked for', async () => {
  expect(await add('a')).toMatchObject({ packages: 2, sizeBytes: expect.any(Number) });
  const { root, says } = await find('auto', 'a');
  expect(root).toBe(join(place, digest('a'), 'root'));
  expect(says).toMatch(/built by buildah for x86_64 from a base that debootstrap made, 2 packages/);
  expect(await find('built', 'a')).toEqual({ root, says });
  expect((await find('host', 'a')).root).toBeUndefined();
});

it('an image of another build is told, and used by nobody', async () => {
  expect((await find('auto', 'b')).says).toContain('no image is built');
  await add('a');
  const { root, says } = await find('auto', 'b');
  expect(root).toBeUndefined();
  expect(says).toContain('another build');
  await expect(find('built', 'b')).rejects.toThrow(NoBuiltImageError);
});

it('tasks of one driver keep the runtimes they began with, until those are removed', async () => {
  const runtimes = new ChosenRuntimes({ choice: 'auto', places: [place] });
  expect((await runtimes.of(digest('a'))).root).toBeUndefined();
  await add('a');
  expect((await runtimes.of(digest('a'))).root).toBeUndefined();
  await add('b');
  expect((await runtimes.of(digest('b'))).root).toBe(join(place, digest('b'), 'root'));
  rmSync(join(place, digest('b')), { recursive: true });
  expect((await runtimes.of(digest('b'))).root).toBeUndefined();
});

it('a look-up that failed is made again', async () => {
  const runtimes = new ChosenRuntimes({ choice: 'built', places: [place] });
  await expect(runtimes.of(digest('a'))).rejects.toThrow(NoBuiltImageError);
  await add('a');
  expect((await runtimes.of(digest('a'))).root).toBe(join(place, digest('a'), 'root'));
});

it('has the mount points that a read-only root can be given no more', async () => {
  await add('a');
  const root = join(place, digest('a'), 'root');
  expect(readdirSync(root).sort()).toEqual('dev etc home opt proc run sys tmp var'.split(' '));
  expect(readdirSync(join(root, 'etc')).sort()).toEqual(['hostname', 'hosts', 'resolv.conf']);
});

it('one that could not be filled leaves nothing', async () => {
  await expect(add('a', () => Promise.reject(new Error('tar ended with 2')))).rejects.toThrow(
    'tar ended with 2',
  );
  expect(readdirSync(place)).toEqual([]);
});

it('the newest two stay and what a killed run has left does not, and --clean removes all', async () => {
  for (const [index, letter] of ['a', 'b', 'c'].entries()) {
    await add(letter);
    await utimes(join(place, digest(letter)), index, index);
  }
  const ofUs = `.${newOwnerName()}`;
  const ofDead = ofUs.replace(/-\d+-/, '-1-');
  for (const name of [ofUs, ofDead]) await mkdir(join(place, name, 'root'), { recursive: true });
  await removeOldImages(place);
  expect(readdirSync(place).sort()).toEqual([ofUs, digest('b'), digest('c')]);
  expect(await removeImagesIn([place, join(place, 'none')])).toBe(2);
});
