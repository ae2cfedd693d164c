/**
 * Runs tasks as plain processes of this machine: for hosts that cannot isolate, when somebody has said
 * so in words. Must never be chosen by itself: user code can do here what whoever started us can.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { RunningTask, TaskDriver, TaskSpec } from './driver.ts';
import { AGENT_PORT } from './forwarder.ts';
import { type ImageManifest, readImage } from './image.ts';
import { sendSignal } from './signal.ts';
import { takeSlot } from './slots.ts';
import { Task, type TaskProcess } from './task.ts';

export const NO_ISOLATION_WARNING =
  'WARNING: --isolation=none. Code runs as you, with your files and your network. Run only code that you trust.';

export class PlainDriver implements TaskDriver {
  readonly name = 'none';
  readonly #folder: string;
  readonly #tasks = new Set<Task>();

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async open(runDirectory: string): Promise<PlainDriver> {
    await mkdir(runDirectory, { recursive: true });
    return new PlainDriver(await mkdtemp(join(runDirectory, 'plain-')));
  }

  async start(spec: TaskSpec): Promise<RunningTask> {
    const image = await readImage(spec.imageDirectory);
    const base = join(this.#folder, spec.id);
    for (const name of ['spool', 'workspace']) await mkdir(join(base, name), { recursive: true });
    await writeFile(join(base, 'metadata.json'), JSON.stringify({ TaskARN: spec.taskArn }));
    // Taken to learn which address is free; the agent itself then listens on it.
    const probe = await takeSlot();
    await probe.close();
    const task = new Task({
      address: probe.address,
      process: startPlain(outside(spec, image, base, probe.address)),
      finish: async ({ exitCode }) => {
        await rm(base, { recursive: true, force: true });
        this.#tasks.delete(task);
        return { exitCode, outOfMemory: false };
      },
    });
    this.#tasks.add(task);
    return task;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#tasks].map((task) => task.stop(0)));
    await rm(this.#folder, { recursive: true, force: true });
  }
}

interface PlainCommand {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly directory: string;
}

/** The same image without its file system: paths inside become paths of the docker context. */
function outside(
  spec: TaskSpec,
  image: ImageManifest,
  base: string,
  address: string,
): PlainCommand {
  const translate = (text: string): string => {
    const bind = image.binds.find(({ to }) => text === to);
    return bind === undefined ? text : join(spec.imageDirectory, bind.from);
  };
  const inside = { ...image.environment, ...spec.environment };
  const translated = Object.entries(inside).map(([name, value]) => [name, translate(value)]);
  return {
    command: image.entrypoint.map(translate),
    directory: join(base, 'workspace'),
    environment: {
      ...(Object.fromEntries(translated) as Record<string, string>),
      AGENT_HOST: address,
      AGENT_PORT: String(AGENT_PORT),
      AGENT_LAUNCHER: 'none',
      AGENT_SPOOL: join(base, 'spool'),
      AGENT_WORKSPACE: join(base, 'workspace'),
      ECS_CONTAINER_METADATA_FILE: join(base, 'metadata.json'),
    },
  };
}

function startPlain({ command, environment, directory }: PlainCommand): TaskProcess {
  // The program dies with us, as it would in a sandbox.
  const child = spawn('/usr/bin/setpriv', ['--pdeathsig', 'KILL', '--', ...command], {
    cwd: directory,
    env: environment,
    // A group of its own, so that what it starts can be ended with it.
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const signal = (name: NodeJS.Signals): void => {
    if (child.pid !== undefined) sendSignal(-child.pid, name);
  };
  const exited = once(child, 'exit').then(([code, by]) => {
    signal('SIGKILL');
    return by === null ? Number(code) : 128 + constants.signals[by as NodeJS.Signals];
  });
  return { exited, terminate: () => signal('SIGTERM'), kill: () => signal('SIGKILL') };
}
