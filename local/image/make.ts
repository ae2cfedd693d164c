/**
 * Builds the image of a sandbox from its docker context and unpacks it for local sandboxes; does nothing where
 * that was done already. Owns the order of the steps and what is said about them.
 */
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { type BuiltImage, findBuilt } from '../sandboxes/built-image.ts';
import { type Architecture, HOST_ARCHITECTURE } from '../shared/architecture.ts';
import { type BaseChoice, findBase } from './base.ts';
import { type BuilderName, build, idOf, unpack } from './builder.ts';
import { addImage, placeFor, removeOldImages } from './store.ts';

export interface MakeImageOptions {
  readonly builder: () => Promise<BuilderName>;
  readonly needDebootstrap: () => Promise<void>;
  readonly contextDirectory: string;
  /** Of the context, as its image.json says it. */
  readonly digest: string;
  readonly target: string;
  readonly architecture: Architecture;
  readonly base: BaseChoice;
  readonly cache: boolean;
  readonly baseDockerfile: string;
  /** Folders of unpacked images; new ones go into the first, where a sandbox can get there. */
  readonly places: readonly [string, ...string[]];
  readonly log: (line: string) => void;
}

export interface MadeImage {
  readonly tag: string;
  readonly imageId: string;
  /** Undefined for another architecture than this machine's: nothing here could run it. */
  readonly unpacked: BuiltImage | undefined;
  readonly isNew: boolean;
}

/** A step is a whole command of the Dockerfile; its beginning tells which. */
const STEP_WIDTH = 100;
const TICK_MS = 15_000;

export async function makeImage(options: MakeImageOptions): Promise<MadeImage> {
  const { digest, cache, places, architecture, target } = options;
  const isOurs = architecture === HOST_ARCHITECTURE;
  const known = isOurs ? await findBuilt(places, digest) : undefined;
  if (known !== undefined && cache && known.image.target === target) {
    const { tag, imageId } = known.image;
    return { tag, imageId, unpacked: known.image, isNew: false };
  }
  const place = await placeFor(places[0]);
  await mkdir(place, { recursive: true });
  const logFile = join(place, 'build.log');
  options.log(`every line of the build goes to ${logFile}`);
  const transcript = createWriteStream(logFile);
  try {
    return await buildAndUnpack(options, place, transcript);
  } finally {
    transcript.end();
  }
}

async function buildAndUnpack(
  options: MakeImageOptions,
  place: string,
  transcript: Writable,
): Promise<MadeImage> {
  const { architecture, target, digest, cache, log } = options;
  const builder = await options.builder();
  let last = '';
  const onLine = (line: string): void => {
    last = line;
    transcript.write(`${line}\n`);
    if (isStep(line)) log(`  ${line.slice(0, STEP_WIDTH)}`);
  };
  const step = <T>(name: string, work: () => Promise<T>): Promise<T> =>
    timed({ log, name, last: () => last.slice(0, STEP_WIDTH) }, work);
  const base = await step('base', () =>
    findBase({
      builder,
      choice: options.base,
      architecture,
      cache,
      dockerfile: options.baseDockerfile,
      needDebootstrap: options.needDebootstrap,
      log,
      onLine,
    }),
  );
  const tag = `localhost/code-interpreter-sandbox:${target}-${architecture}`;
  const request = {
    contextDirectory: options.contextDirectory,
    target,
    tag,
    architecture,
    cache,
    buildArguments: { BASE_IMAGE: base.reference },
    labels: {
      'code-interpreter.context': digest,
      'code-interpreter.base': `${base.origin} ${base.reference} ${base.digest}`.trim(),
    },
  };
  await step('build', () => build(builder, request, onLine));
  const imageId = await idOf(builder, tag);
  if (architecture !== HOST_ARCHITECTURE) return { tag, imageId, unpacked: undefined, isNew: true };
  const builtAt = new Date().toISOString();
  const facts = { digest, imageId, tag, builder, target, architecture, base, builtAt };
  const fill = (root: string): Promise<void> => unpack(builder, tag, root);
  const unpacked = await step('unpack', () => addImage({ place, facts, fill }));
  await removeOldImages(place);
  return { tag, imageId, unpacked, isNew: true };
}

/** `STEP 3/9: RUN …` of buildah and podman, `#12 [python 3/9] RUN …` of docker. */
const isStep = (line: string): boolean => /^(STEP \d|\[\d+\/\d+\] STEP|#\d+ \[)/.test(line);

interface Step {
  readonly log: (line: string) => void;
  readonly name: string;
  /** What its programs said last. */
  readonly last: () => string;
}

/** Says how long it took, and every now and then that it goes on: one command of the Dockerfile takes minutes. */
async function timed<T>({ log, name, last }: Step, work: () => Promise<T>): Promise<T> {
  const begun = performance.now();
  const seconds = (): number => (performance.now() - begun) / 1000;
  const ticks = setInterval(
    () => log(`  ${name}, ${Math.round(seconds())} s so far: ${last()}`),
    TICK_MS,
  );
  try {
    return await work();
  } finally {
    clearInterval(ticks);
    log(`${name}: ${seconds().toFixed(1)} s`);
  }
}
