/**
 * The three programs that build images, each as the command lines that it wants. Owns what differs between
 * them; must never use what only one of them can do.
 */
import { randomUUID } from 'node:crypto';
import type { Architecture } from '../shared/architecture.ts';
import { pipe, run, succeeds } from './program.ts';

export const BUILDERS = ['docker', 'podman', 'buildah'] as const;
export type BuilderName = (typeof BUILDERS)[number];

export interface BuildRequest {
  readonly contextDirectory: string;
  /** Beside the context's own, where another one is meant. */
  readonly dockerfile?: string;
  readonly target?: string;
  readonly tag: string;
  readonly architecture: Architecture;
  readonly buildArguments?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly cache: boolean;
}

/** As image builders name architectures. */
export const PLATFORMS: Readonly<Record<Architecture, string>> = {
  x86_64: 'linux/amd64',
  arm64: 'linux/arm64',
};

/** Its daemon answers, or it can open its storage: being installed says nothing. */
export async function works(name: BuilderName): Promise<boolean> {
  return succeeds(
    name,
    name === 'docker' ? ['version', '--format', '{{.Server.Version}}'] : ['info'],
  );
}

export function buildCommand(name: BuilderName, request: BuildRequest): string[] {
  const { target, architecture, buildArguments = {}, labels = {} } = request;
  return [
    name === 'buildah' ? ['bud'] : ['build'],
    // Without an OCI runtime, so that it works as root of a machine that may not raise its limits.
    name === 'docker' ? ['--progress=plain'] : ['--isolation', 'chroot', '--layers'],
    request.cache ? [] : ['--no-cache'],
    ['--platform', PLATFORMS[architecture], '--tag', request.tag],
    target === undefined ? [] : ['--target', target],
    request.dockerfile === undefined ? [] : ['--file', request.dockerfile],
    Object.entries(buildArguments).flatMap(([key, value]) => ['--build-arg', `${key}=${value}`]),
    Object.entries(labels).flatMap(([key, value]) => ['--label', `${key}=${value}`]),
    [request.contextDirectory],
  ].flat();
}

export async function build(
  name: BuilderName,
  request: BuildRequest,
  onLine: (line: string) => void,
): Promise<void> {
  await run(name, buildCommand(name, request), { onLine });
}

export async function hasImage(name: BuilderName, reference: string): Promise<boolean> {
  return succeeds(name, inspectCommand(name, '', reference));
}

/** The id of an image: the digest of its configuration. */
export async function idOf(name: BuilderName, reference: string): Promise<string> {
  const field = name === 'buildah' ? '{{.FromImageID}}' : '{{.Id}}';
  const id = await run(name, inspectCommand(name, field, reference));
  return id.startsWith('sha256:') ? id : `sha256:${id}`;
}

/** What a registry calls this image; empty where none gave it to us. */
export async function digestOf(name: BuilderName, reference: string): Promise<string> {
  const field = name === 'buildah' ? '{{.FromImageDigest}}' : '{{range .RepoDigests}}{{.}} {{end}}';
  const digests = await run(name, inspectCommand(name, field, reference));
  return /sha256:[0-9a-f]{64}/.exec(digests)?.[0] ?? '';
}

function inspectCommand(name: BuilderName, format: string, reference: string): string[] {
  const asked = format === '' ? [] : ['--format', format];
  return name === 'buildah'
    ? ['inspect', '--type', 'image', ...asked, reference]
    : ['image', 'inspect', ...asked, reference];
}

/** The files of an image, unpacked: all but what a kernel makes. */
export async function unpack(name: BuilderName, tag: string, directory: string): Promise<void> {
  const container = `code-interpreter-${randomUUID()}`;
  // Only root can give files away; for anyone else all are their own.
  const owners = process.getuid?.() === 0 ? ['--numeric-owner'] : ['--no-same-owner'];
  const ofKernels = ['proc', 'sys', 'dev'].flatMap((folder) => [`./${folder}/*`, `${folder}/*`]);
  const without = ['--anchored', ...ofKernels.map((pattern) => `--exclude=${pattern}`)];
  const into = ['tar', '-x', '-p', ...owners, '-C', directory, ...without] as const;
  const made =
    name === 'buildah'
      ? ['from', '--pull-never', '--name', container, tag]
      : ['create', '--name', container, tag];
  await run(name, made);
  try {
    if (name !== 'buildah') return await pipe([name, 'export', container], [...into]);
    const mounted = await run(name, ['mount', container]);
    await pipe(['tar', '-c', '--numeric-owner', '-C', mounted, '.'], [...into]);
  } finally {
    await run(name, ['rm', container]);
  }
}

/** Images of ours in its storage, by the label that all layers of ours bear. */
export async function ownImages(name: BuilderName): Promise<string[]> {
  const all = name === 'docker' ? [] : ['--all'];
  const listed = await run(name, [
    'images',
    ...all,
    '--quiet',
    '--filter',
    'label=code-interpreter',
  ]);
  return [...new Set(listed.split('\n').filter((id) => id !== ''))];
}

export async function removeImages(name: BuilderName, ids: readonly string[]): Promise<void> {
  if (ids.length > 0) await run(name, ['rmi', '--force', ...ids]);
}
