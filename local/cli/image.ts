/**
 * `npm run image`: builds the image of a sandbox for real, the same that `cdk deploy` builds, and unpacks it
 * for the sandboxes of this machine. Does nothing where that was done for the present build.
 */
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { type BaseChoice, CannotBuildError, requireMakeable } from '../image/base.ts';
import { BUILDERS, type BuilderName, ownImages, removeImages, works } from '../image/builder.ts';
import { type MadeImage, makeImage } from '../image/make.ts';
import { removeImagesIn } from '../image/store.ts';
import { readImage } from '../sandboxes/image.ts';
import { ARCHITECTURES, type Architecture, HOST_ARCHITECTURE } from '../shared/architecture.ts';
import { nodePackageOf } from './build/node-binaries.ts';
import { DIST, IMAGE_PLACES, ROOT } from './build/paths.ts';
import { build } from './build.ts';
import { ensureHost, installCommand } from './setup.ts';

interface Flags {
  readonly tool: 'auto' | BuilderName;
  readonly target: string;
  readonly arch: Architecture;
  readonly base: BaseChoice;
  readonly cache: boolean;
  readonly setup: boolean;
  readonly clean?: true;
}

/** So that a script can tell a machine that builds no image from an image that does not build. */
const CANNOT_BUILD = 3;
const BUILDER_PACKAGE = { buildah: ['/usr/bin/buildah'] };
const DEBOOTSTRAP_PACKAGE = { debootstrap: ['/usr/sbin/debootstrap'] };

const program = new Command('npm run image --')
  .description(
    'Build the image of a sandbox with docker, podman or buildah, as `cdk deploy` does, and unpack it for `npm start`.',
  )
  .addOption(
    new Option('--tool <name>', 'what builds; auto takes the first that works')
      .choices(['auto', ...BUILDERS])
      .default('auto'),
  )
  .addOption(
    new Option('--target <name>', 'of the Dockerfile').choices(['python']).default('python'),
  )
  .addOption(
    new Option('--arch <name>', 'architecture of the image')
      .choices(ARCHITECTURES)
      .default(HOST_ARCHITECTURE),
  )
  .addOption(
    new Option('--base <whence>', 'from its registry, or made of the mirrors of this machine’s apt')
      .choices(['auto', 'registry', 'debootstrap'])
      .default('auto'),
  )
  .option('--no-cache', 'build every layer anew, with the packages of today')
  .option('--no-setup', 'do not install missing packages')
  .option(
    '--clean',
    'remove what this command has made: unpacked images, and those in the tools’ storage',
  )
  .allowExcessArguments(false);

const log = (line: string): void => void process.stderr.write(`${line}\n`);

async function main(): Promise<void> {
  const flags = program.parse().opts<Flags>();
  if (flags.clean) return clean();
  const begun = performance.now();
  if (flags.base === 'debootstrap') requireMakeable(flags.arch);
  if (nodePackageOf(flags.arch) === undefined) throw new Error(noContext(flags.arch));
  await build({ log });
  const contextDirectory = join(DIST, 'image', flags.arch);
  const { digest } = await readImage(contextDirectory);
  if (digest === undefined) throw new Error(`${contextDirectory}/image.json has no digest`);
  const made = await makeImage({
    ...flags,
    contextDirectory,
    digest,
    architecture: flags.arch,
    baseDockerfile: join(ROOT, 'containers/image/Dockerfile.base'),
    places: IMAGE_PLACES,
    builder: () => chooseBuilder(flags),
    needDebootstrap: async () => {
      if (await ensureHost({ allow: flags.setup, log, packages: DEBOOTSTRAP_PACKAGE })) return;
      throw new CannotBuildError('debootstrap is not installed');
    },
    log,
  });
  report(made, performance.now() - begun);
}

function report({ tag, imageId, unpacked, isNew }: MadeImage, tookMs: number): void {
  log(
    isNew
      ? `built in ${(tookMs / 1000).toFixed(1)} s`
      : 'nothing to do: built from the same before',
  );
  console.log(`image     ${tag}`);
  console.log(`id        ${imageId}`);
  if (unpacked === undefined) {
    console.log('unpacked  no: it is for another architecture than this machine’s');
    return;
  }
  const { base, digest, sizeBytes, packages } = unpacked;
  const made = base.origin === 'debootstrap' ? ' (MADE HERE: no registry was used)' : '';
  console.log(`base      ${base.reference} ${base.digest}${made}`);
  console.log(`size      ${Math.round(sizeBytes / 1e6)} MB, ${packages} packages`);
  console.log(`context   ${digest}`);
  console.log(
    '`npm start` takes it from its next start on, until the next change of what it holds',
  );
}

async function chooseBuilder({ tool, setup }: Flags): Promise<BuilderName> {
  const wanted = tool === 'auto' ? BUILDERS : [tool];
  for (const name of wanted) {
    if (await works(name)) {
      log(`building with ${name}`);
      return name;
    }
  }
  const mayInstall = tool === 'auto' || tool === 'buildah';
  if (mayInstall && (await ensureHost({ allow: setup, log, packages: BUILDER_PACKAGE }))) {
    if (await works('buildah')) return 'buildah';
  }
  throw new CannotBuildError(
    `${wanted.join(', ')}: none works here. Start docker's daemon, or: ${installCommand(['buildah'])}`,
  );
}

async function clean(): Promise<void> {
  const unpacked = await removeImagesIn(IMAGE_PLACES);
  log(`removed ${unpacked} unpacked image${unpacked === 1 ? '' : 's'}`);
  for (const name of BUILDERS) {
    if (!(await works(name))) continue;
    const images = await ownImages(name);
    await removeImages(name, images);
    log(`removed ${images.length} images and layers from ${name}`);
  }
}

const noContext = (architecture: Architecture): string =>
  `no docker context for ${architecture}: run \`npm run build -- --arch ${architecture}\` first`;

main().catch((error: unknown) => {
  process.stderr.write(`image: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof CannotBuildError ? CANNOT_BUILD : 1;
});
