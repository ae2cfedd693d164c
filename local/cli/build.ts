/**
 * `npm run build`: functions, agent, SDK and the docker context of the sandbox image, into dist/.
 * Makes what changed and nothing else; two builds at once take turns.
 */
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { ARCHITECTURES, type Architecture } from '../shared/architecture.ts';
import { agentTarget, functionsTarget, sdkTarget } from './build/bundles.ts';
import { imageTargets } from './build/image.ts';
import { withLock } from './build/lock.ts';
import { ensureNodeOf } from './build/node-binaries.ts';
import { DIST } from './build/paths.ts';
import { type Log, makeIfChanged, type Target } from './build/target.ts';

/** Answers whether anything was made. */
export async function build({ log }: { log: Log }): Promise<boolean> {
  return withLock(join(DIST, '.lock'), async () => {
    const make = (target: Target) => makeIfChanged(target, log);
    // The image's context holds the agent's bundle, so it comes after that one.
    const image = async () => {
      const made = [await make(agentTarget)];
      for (const target of await imageTargets()) made.push(await make(target));
      return made;
    };
    const parts = [make(await functionsTarget()), make(sdkTarget), image()];
    const made = (await Promise.all(parts)).flat();
    return made.some(Boolean);
  });
}

const program = new Command('npm run build --')
  .description(
    'Build functions, agent, SDK and the docker context of the sandbox image into dist/.',
  )
  .addOption(
    new Option('--arch <name>', 'of sandboxes, beside this machine’s own').choices(ARCHITECTURES),
  )
  .allowExcessArguments(false);
const log = (line: string): void => void process.stderr.write(`${line}\n`);

if (import.meta.main) {
  try {
    const { arch } = program.parse().opts<{ arch?: Architecture }>();
    if (arch !== undefined) await ensureNodeOf(arch, log);
    const made = await build({ log });
    if (!made) process.stderr.write('nothing to build: all is up to date\n');
  } catch (error) {
    process.stderr.write(`build: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
