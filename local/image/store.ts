/**
 * Unpacked images on this machine, each in a folder named by the digest of what it was built from. Owns those
 * folders; must never show one that is half full.
 */
import { chmod, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BUILT_RECORD, type BuiltImage, OPEN_IMAGE_PLACE } from '../sandboxes/built-image.ts';
import { isStaleOwner, newOwnerName } from '../sandboxes/owner.ts';
import { isReachable } from '../sandboxes/reach.ts';
import { run } from './program.ts';

/** This one and the one before it, which a running `npm start` may still use. */
const KEPT = 2;
/** Mount points of a sandbox; a read-only root can be given none later. */
const FOLDERS = ['proc', 'sys', 'dev', 'tmp', 'var/tmp', 'var/lib/agent', 'run', 'home/user'];
const FILES = ['etc/hosts', 'etc/hostname', 'etc/resolv.conf'];

/** Where a new image goes: into the repository, unless a sandbox's uid cannot get there. */
export async function placeFor(repositoryPlace: string): Promise<string> {
  await mkdir(repositoryPlace, { recursive: true });
  const isRoot = process.getuid?.() === 0;
  return isRoot && !isReachable(repositoryPlace) ? OPEN_IMAGE_PLACE : repositoryPlace;
}

export interface NewImage {
  readonly place: string;
  readonly facts: Omit<BuiltImage, 'version' | 'packages' | 'sizeBytes'>;
  /** Fills a folder with the files of the image. */
  readonly fill: (root: string) => Promise<void>;
}

export async function addImage({ place, facts, fill }: NewImage): Promise<BuiltImage> {
  const filling = join(place, `.${newOwnerName()}`);
  const root = join(filling, 'root');
  try {
    await mkdir(root, { recursive: true });
    await chmod(filling, 0o755);
    await fill(root);
    await prepare(root);
    const packages = await readFile(join(root, 'opt/agent/packages.txt'), 'utf8');
    const [size = '0'] = (await run('du', ['-sb', root])).split('\t');
    const image: BuiltImage = {
      version: 1,
      ...facts,
      packages: packages.trim().split('\n').length,
      sizeBytes: Number(size),
    };
    await writeFile(join(filling, BUILT_RECORD), `${JSON.stringify(image, null, 2)}\n`);
    const target = join(place, facts.digest);
    await rm(target, { recursive: true, force: true });
    await rename(filling, target);
    return image;
  } finally {
    await rm(filling, { recursive: true, force: true });
  }
}

/** Removes all but the newest, and what a run that was killed has left. */
export async function removeOldImages(place: string): Promise<void> {
  const names = await readdir(place);
  const left = names.filter((name) => name.startsWith('.') && isStaleOwner(name.slice(1)));
  for (const name of left) await rm(join(place, name), { recursive: true, force: true });
  const images = names.filter((name) => /^[0-9a-f]{64}$/.test(name));
  const aged = await Promise.all(
    images.map(async (name) => ({ name, at: (await stat(join(place, name))).mtimeMs })),
  );
  const old = aged.sort((a, b) => b.at - a.at).slice(KEPT);
  for (const { name } of old) await rm(join(place, name), { recursive: true, force: true });
}

/** Answers how many there were. */
export async function removeImagesIn(places: readonly string[]): Promise<number> {
  let count = 0;
  for (const place of places) {
    const names = await readdir(place).catch(() => []);
    count += names.filter((name) => /^[0-9a-f]{64}$/.test(name)).length;
    await rm(place, { recursive: true, force: true });
  }
  return count;
}

async function prepare(root: string): Promise<void> {
  for (const folder of FOLDERS) await mkdir(join(root, folder), { recursive: true });
  for (const file of FILES) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    // A link would lead out of the image, or to nothing.
    await rm(join(root, file), { force: true });
    await writeFile(join(root, file), '', { mode: 0o644 });
  }
  await chmod(root, 0o755);
}
