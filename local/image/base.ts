/**
 * The image that ours starts from: the registry's where it can be had, else one of the same packages that
 * debootstrap makes from the mirrors that this machine's apt is set to. Owns that choice, and says it.
 */
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Architecture, HOST_ARCHITECTURE } from '../shared/architecture.ts';
import { type BuilderName, build, digestOf, hasImage, PLATFORMS } from './builder.ts';
import { pipe, run } from './program.ts';

/** As in the Dockerfile. */
export const REGISTRY_BASE = 'docker.io/library/debian:bookworm-slim';
const MADE_BASE = `localhost/code-interpreter-base:bookworm-${HOST_ARCHITECTURE}`;
const SUITES = ['bookworm', 'bookworm-updates', 'bookworm-security'];
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const PULL_WITHIN_MS = 180_000;

/** Nothing here can build an image; the message says what is missing. */
export class CannotBuildError extends Error {
  override readonly name = 'CannotBuildError';
}

export type BaseChoice = 'auto' | 'registry' | 'debootstrap';

export interface Base {
  readonly reference: string;
  readonly origin: 'registry' | 'debootstrap';
  /** Empty for one that was made here. */
  readonly digest: string;
}

export interface BaseOptions {
  readonly builder: BuilderName;
  readonly choice: BaseChoice;
  readonly architecture: Architecture;
  readonly cache: boolean;
  /** Dockerfile.base. */
  readonly dockerfile: string;
  /** Makes sure that debootstrap is there. */
  readonly needDebootstrap: () => Promise<void>;
  readonly log: (line: string) => void;
  readonly onLine: (line: string) => void;
}

/** Throws where no base can be made here for an architecture: known before anything is built or pulled. */
export function requireMakeable(architecture: Architecture): void {
  if (architecture === HOST_ARCHITECTURE) return;
  throw new CannotBuildError(
    `a base for ${architecture} can only come from a registry: debootstrap makes this machine's ${HOST_ARCHITECTURE} only`,
  );
}

export async function findBase(options: BaseOptions): Promise<Base> {
  const { builder, choice, log } = options;
  if (choice !== 'debootstrap') {
    const refusal = await pull(options);
    if (refusal === undefined) {
      const digest = await digestOf(builder, REGISTRY_BASE);
      return { reference: REGISTRY_BASE, origin: 'registry', digest };
    }
    if (choice === 'registry') throw new CannotBuildError(refusal);
    log(`NO REGISTRY: ${refusal.split('\n').at(-1)?.slice(0, 300)}`);
  }
  requireMakeable(options.architecture);
  log(
    `THE BASE IS MADE HERE, by debootstrap from this machine's mirrors, not ${REGISTRY_BASE}: the same packages, another digest`,
  );
  if (options.cache && (await hasImage(builder, MADE_BASE))) log('the base is there already');
  else await makeBase(options);
  return { reference: MADE_BASE, origin: 'debootstrap', digest: '' };
}

/** Answers why the registry's base cannot be had. */
async function pull({ builder, architecture, onLine }: BaseOptions): Promise<string | undefined> {
  try {
    await run(builder, ['pull', '--platform', PLATFORMS[architecture], REGISTRY_BASE], {
      onLine,
      timeoutMs: PULL_WITHIN_MS,
    });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function makeBase(options: BaseOptions): Promise<void> {
  const { builder, architecture, cache, log, onLine } = options;
  if (process.getuid?.() !== 0) {
    throw new CannotBuildError(
      'only root can make a base with debootstrap: run as root, or where a registry can be reached',
    );
  }
  await options.needDebootstrap();
  const sources = await mirrors();
  const folder = await mkdtemp(join(tmpdir(), 'code-interpreter-base-'));
  try {
    const begun = performance.now();
    const root = join(folder, 'root');
    const context = join(folder, 'context');
    const verified = ['--force-check-gpg', `--keyring=${KEYRING}`];
    const [main] = sources;
    await run(
      'debootstrap',
      ['--variant=minbase', ...verified, 'bookworm', root, main?.uri ?? ''],
      {
        onLine,
      },
    );
    log(`debootstrap took ${Math.round((performance.now() - begun) / 1000)} s`);
    await mkdir(context);
    const tar = ['tar', '-c', '--numeric-owner', '-C', root, '.'] as const;
    await pipe([...tar], ['dd', `of=${join(context, 'base.tar')}`, 'bs=1M', 'status=none']);
    const lines = sources.map(({ uri, suite }) => `deb ${uri} ${suite} main\n`);
    await writeFile(join(context, 'sources.list'), lines.join(''));
    await copyFile(options.dockerfile, join(context, 'Dockerfile'));
    const request = { contextDirectory: context, tag: MADE_BASE, architecture, cache };
    await build(builder, request, onLine);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Source {
  readonly suite: string;
  readonly uri: string;
}

/** Where this machine's apt gets Debian bookworm from: the release first, then its updates. */
async function mirrors(): Promise<Source[]> {
  const format = '$(CODENAME) $(COMPONENT) $(REPO_URI)';
  const text = await run('apt-get', ['indextargets', '--format', format, 'Created-By: Packages']);
  return sourcesIn(text);
}

export function sourcesIn(text: string): Source[] {
  const rows = text.split('\n').map((line) => line.split(' '));
  const found = SUITES.flatMap((suite) => {
    const row = rows.find(([name, component]) => name === suite && component === 'main');
    return row?.[2] === undefined ? [] : [{ suite, uri: row[2] }];
  });
  if (found[0]?.suite === 'bookworm') return found;
  throw new CannotBuildError(
    "no base: this machine's apt knows no mirror of Debian bookworm, and no registry can be reached",
  );
}
