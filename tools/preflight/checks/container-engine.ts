/** The program that builds the sandbox's image: there, running, and for the machine that is asked for. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { DeployConfig } from '../../../lib/deploy-config.ts';
import { type Check, fail, ok, warn } from '../check.ts';
import { containerProgram } from '../env.ts';

const NAME = 'container engine';
const PLATFORM = { x86_64: 'amd64', arm64: 'arm64' } as const;
/** As engines call the same machines. */
const ALIASES: Readonly<Record<string, string>> = { x86_64: 'amd64', aarch64: 'arm64' };
const OTHERS = ['docker', 'podman', 'finch'];

const run = promisify(execFile);

export async function checkContainerEngine({ architecture }: DeployConfig): Promise<Check> {
  const program = containerProgram();
  const wanted = PLATFORM[architecture];
  try {
    const has = await architectureOf(program);
    if (has === wanted) return ok(NAME, `${program} builds for ${wanted}`);
    return warn(NAME, {
      text: `${program} runs on ${has}, and sandboxes are asked for on ${architecture}: it has to emulate`,
      remedy: `docker run --privileged --rm tonistiigi/binfmt --install ${wanted}, or deploy with -c architecture=${has === 'arm64' ? 'arm64' : 'x86_64'}`,
    });
  } catch (error) {
    return isMissing(error) ? missing(program) : silent(program);
  }
}

/** Of the engine, not of its client: they may be on two machines. */
async function architectureOf(program: string): Promise<string> {
  const format = program.endsWith('podman') ? '{{.Host.Arch}}' : '{{.Architecture}}';
  const { stdout } = await run(program, ['info', '--format', format], { timeout: 20_000 });
  const told = stdout.trim();
  if (told === '') throw new Error('the engine does not answer');
  return ALIASES[told] ?? told;
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT';

async function missing(program: string): Promise<Check> {
  for (const other of OTHERS.filter((name) => name !== program)) {
    const answers = await architectureOf(other).catch(() => undefined);
    if (answers !== undefined)
      return fail(NAME, {
        text: `${program} is not installed, but ${other} is`,
        remedy: `export CDK_DOCKER=${other}`,
      });
  }
  return fail(NAME, {
    text: `${program} is not installed: \`cdk deploy\` builds the sandbox's image with it`,
    remedy: 'install Docker, or podman and `export CDK_DOCKER=podman`',
  });
}

const silent = (program: string): Check =>
  fail(NAME, {
    text: `${program} is installed, but its engine does not answer`,
    remedy: `start it, and see that \`${program} info\` works as this user`,
  });
