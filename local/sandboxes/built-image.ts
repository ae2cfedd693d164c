/**
 * Finds the unpacked root of an image that was built, and says which runtimes a task will have. A root fits
 * only the very build that it was made from: what runs is then what would be deployed, and nothing else.
 */
import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

/** `auto` takes the built image where one fits, else what this machine has under /usr. */
export type ImageChoice = 'auto' | 'host' | 'built';

export interface ImageOptions {
  readonly choice: ImageChoice;
  /** Folders of unpacked images, each in one named by its digest. */
  readonly places: readonly string[];
}

/** Where an image is unpacked that a sandbox's own uid could not reach in the repository. */
export const OPEN_IMAGE_PLACE = '/var/lib/code-interpreter-images';
export const BUILT_RECORD = 'built.json';

/** Written last beside the root, so that one which was cut off does not count. */
const BuiltImage = z.strictObject({
  version: z.literal(1),
  digest: z.string(),
  imageId: z.string(),
  tag: z.string(),
  builder: z.string(),
  target: z.string(),
  architecture: z.string(),
  base: z.strictObject({
    reference: z.string(),
    origin: z.enum(['registry', 'debootstrap']),
    digest: z.string(),
  }),
  builtAt: z.string(),
  packages: z.number(),
  sizeBytes: z.number(),
});
export type BuiltImage = z.output<typeof BuiltImage>;

export interface Runtimes {
  /** Undefined: those of this machine. */
  readonly root: string | undefined;
  /** What to tell whoever asks. */
  readonly says: string;
}

/** No image fits, and none but a built one was wanted. */
export class NoBuiltImageError extends Error {
  override readonly name = 'NoBuiltImageError';
}

export async function findRuntimes(
  { choice, places }: ImageOptions,
  digest: string | undefined,
): Promise<Runtimes> {
  if (choice === 'host') return ofHost('asked for');
  const built = digest === undefined ? undefined : await findBuilt(places, digest);
  if (built !== undefined) {
    const { base, architecture, builder } = built.image;
    const from = base.origin === 'registry' ? base.reference : 'a base that debootstrap made';
    return {
      root: built.root,
      says: `the image's: built by ${builder} for ${architecture} from ${from}, ${built.image.packages} packages`,
    };
  }
  const others = await Promise.all(places.map((place) => readdir(place).catch(() => [])));
  const why = others.flat().some((name) => /^[0-9a-f]{64}$/.test(name))
    ? 'the built image is of another build; `npm run image` makes it anew'
    : 'no image is built; `npm run image` builds one';
  if (choice === 'built') throw new NoBuiltImageError(`--image built: ${why}`);
  return ofHost(why);
}

/** The runtimes of one driver's tasks: the same for all of a digest, also where an image is unpacked meanwhile. */
export class ChosenRuntimes {
  readonly #options: ImageOptions;
  readonly #chosen = new Map<string | undefined, Promise<Runtimes>>();

  constructor(options: ImageOptions) {
    this.#options = options;
  }

  /** Looks again where the look before failed, or what it found was removed. */
  async of(digest: string | undefined): Promise<Runtimes> {
    const before = this.#chosen.get(digest);
    if (before !== undefined && (await isThere(await before))) return before;
    const meanwhile = this.#chosen.get(digest);
    if (meanwhile !== undefined && meanwhile !== before) return meanwhile;
    const found = findRuntimes(this.#options, digest);
    this.#chosen.set(digest, found);
    // Whoever asked hears of it.
    found.catch(() => this.#chosen.delete(digest));
    return found;
  }
}

const isThere = async ({ root }: Runtimes): Promise<boolean> =>
  root === undefined ||
  access(root).then(
    () => true,
    () => false,
  );

const ofHost = (why: string): Runtimes => ({
  root: undefined,
  says: `this machine's, under /usr (${why})`,
});

/** The unpacked image of a digest. */
export async function findBuilt(
  places: readonly string[],
  digest: string,
): Promise<{ image: BuiltImage; root: string; directory: string } | undefined> {
  for (const place of places) {
    const directory = join(place, digest);
    const text = await readFile(join(directory, BUILT_RECORD), 'utf8').catch(() => undefined);
    if (text === undefined) continue;
    const image = BuiltImage.safeParse(JSON.parse(text));
    if (image.success) return { image: image.data, root: join(directory, 'root'), directory };
  }
  return undefined;
}
