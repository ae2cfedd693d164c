/**
 * Runs tasks as bubblewrap sandboxes. Owns everything they leave on this machine: processes, groups,
 * folders, addresses; all of it goes when a task ends, and all of it goes with us if we are killed.
 */
import { closeSync, constants, openSync } from 'node:fs';
import { access, chown, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, setPriority } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Turns } from '../shared/turns.ts';
import {
  AGENT_FOLDER,
  bwrapArguments,
  CopiedFiles,
  METADATA_NAME,
  SOCKET_NAME,
} from './arguments.ts';
import { ChosenRuntimes, type ImageOptions } from './built-image.ts';
import { BwrapProcess } from './bwrap-process.ts';
import { type Cgroups, removeIfEmpty, sweepCgroups, type TaskGroup } from './cgroups/cgroup.ts';
import type { RunningTask, TaskDriver, TaskExit, TaskSpec } from './driver.ts';
import { messageOf } from './errors.ts';
import type { Forwarder } from './forwarder.ts';
import { type HostEtc, makeHostEtc } from './host-etc.ts';
import type { Identities, Identity } from './identity.ts';
import { type ImageManifest, readImage } from './image.ts';
import { inheritedFds } from './inherited-fds.ts';
import { NAMESERVER, TaskNetwork } from './network.ts';
import { isStaleOwner, newOwnerName } from './owner.ts';
import { copyReadable, isReachable } from './reach.ts';
import { sweepFolders } from './run-folder.ts';
import { takeSlot } from './slots.ts';
import { type EndedProcess, Task } from './task.ts';

/** Where a task's own uid may go although it may not go where we keep our files. */
const OPEN_RUN_DIRECTORY = '/var/lib/code-interpreter';
const NO_IMAGES: ImageOptions = { choice: 'host', places: [] };
const MIB = 2 ** 20;
const GIB = 2 ** 30;
/** Above what the launcher allows user code, so that the agent's own threads never meet it. */
const PROCESSES_PER_TASK = 1024;
/** Of a task's folder. */
const AGENT_DIRECTORY = 'agent';
const LOG_TAIL = 4000;
/**
 * The stand-ins come first: on AWS no sandbox takes time from a function. Where there are groups, all sandboxes
 * weigh no more than one of the stand-ins' threads, and niceness would count only among themselves.
 */
const NICENESS = 5;
/** A task that does not listen by then holds up no other. */
const BOOT_MS = 10_000;
const LOOK_MS = 25;

export interface BwrapDriverOptions {
  readonly bwrap: string;
  readonly identities: Identities;
  /** Undefined where this process may use none: then tasks have no limits of memory and cpu. */
  readonly cgroups: Cgroups | undefined;
  /** Which images may be used instead of this machine's own runtimes. @default none */
  readonly images?: ImageOptions;
  readonly runDirectory: string;
  readonly log: (message: string) => void;
}

interface TaskFolders {
  readonly agent: string;
  readonly state: string;
  readonly log: string;
}

export class BwrapDriver implements TaskDriver {
  readonly name: string;
  readonly #options: BwrapDriverOptions;
  readonly #owner: string;
  readonly #folder: string;
  readonly #etc: HostEtc;
  readonly #inheritedFds = inheritedFds();
  readonly #tasks = new Set<Task>();
  readonly #images = new Map<string, Promise<string>>();
  readonly #runtimes: ChosenRuntimes;
  readonly #boots = new Turns(availableParallelism());
  #closed = false;

  private constructor(options: BwrapDriverOptions, owner: string, folder: string, etc: HostEtc) {
    this.name = `bubblewrap ${options.identities.name}`;
    this.#options = options;
    this.#runtimes = new ChosenRuntimes(options.images ?? NO_IMAGES);
    this.#owner = owner;
    this.#folder = folder;
    this.#etc = etc;
  }

  static async open(options: BwrapDriverOptions): Promise<BwrapDriver> {
    const { runDirectory, cgroups, identities } = options;
    await mkdir(runDirectory, { recursive: true });
    const places = identities.areForeign ? [runDirectory, OPEN_RUN_DIRECTORY] : [runDirectory];
    for (const place of places) await sweepFolders(place, isStaleOwner);
    if (cgroups !== undefined) await sweepCgroups(cgroups, isStaleOwner);
    const isClosed = identities.areForeign && !isReachable(runDirectory);
    const owner = newOwnerName();
    const folder = join(isClosed ? OPEN_RUN_DIRECTORY : runDirectory, owner);
    await mkdir(folder, { recursive: true, mode: 0o755 });
    return new BwrapDriver(options, owner, folder, await makeHostEtc(folder, NAMESERVER));
  }

  /** Tasks boot in turns: a hundred at once would take the whole machine, and each as long as all. */
  async start(spec: TaskSpec): Promise<RunningTask> {
    const image = await readImage(spec.imageDirectory);
    const turn = await this.#boots.take();
    try {
      const task = await this.run(spec, image);
      void this.#untilBooted(spec, task).finally(() => turn.end());
      return task;
    } catch (error) {
      turn.end();
      throw error;
    }
  }

  /** As `start`, with an image that need not be a file. */
  async run(spec: TaskSpec, image: ImageManifest): Promise<RunningTask> {
    if (this.#closed) throw new Error('the sandbox driver is closed: no task can start');
    await using undo = new AsyncDisposableStack();
    const forwarder = undo.adopt(await takeSlot(), (taken) => taken.close());
    const identity = this.#options.identities.ofSlot(forwarder.slot);
    const folders = await this.#makeFolders(spec, identity);
    undo.defer(() => rm(join(this.#folder, spec.id), { recursive: true, force: true }));
    const group = await this.#makeGroup(spec);
    if (group !== undefined) undo.defer(() => group.remove());
    const socketDirectory = openSync(folders.agent, constants.O_DIRECTORY);
    undo.defer(() => closeSync(socketDirectory));
    const started = await this.#startBwrap({ spec, image, identity, folders, group, undo });
    // The name of a socket has 108 bytes at most, and the folder may be anywhere.
    forwarder.forwardTo(`/proc/self/fd/${socketDirectory}/${SOCKET_NAME}`);
    return this.#track({ spec, process: started, forwarder, group, folders, undo: undo.move() });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#tasks].map((task) => task.stop(0)));
    await rm(this.#folder, { recursive: true, force: true });
    if (this.#options.identities.areForeign) await removeIfEmpty(OPEN_RUN_DIRECTORY);
    await this.#options.cgroups?.removeOwner(this.#owner);
  }

  async #untilBooted({ id }: TaskSpec, { exited }: RunningTask): Promise<void> {
    let gone = false;
    const over = () => {
      gone = true;
    };
    // How it ended is for whoever started it.
    void exited.then(over, over);
    const socket = join(this.#folder, id, AGENT_DIRECTORY, SOCKET_NAME);
    const until = Date.now() + BOOT_MS;
    while (!gone && Date.now() < until) {
      const listens = await access(socket).then(
        () => true,
        () => false,
      );
      if (listens) return;
      await delay(LOOK_MS, undefined, { ref: false });
    }
  }

  /** The image where bwrap can read it; a copy is made once for all tasks. */
  async #reachableImage(directory: string): Promise<string> {
    if (!this.#options.identities.areForeign || isReachable(directory)) return directory;
    const known = this.#images.get(directory);
    if (known !== undefined) return known;
    const target = join(this.#folder, `image-${this.#images.size}`);
    const copied = copyReadable(directory, target).then(() => target);
    this.#images.set(directory, copied);
    return copied;
  }

  async #makeFolders(spec: TaskSpec, identity: Identity): Promise<TaskFolders> {
    const base = join(this.#folder, spec.id);
    const folders = {
      agent: join(base, AGENT_DIRECTORY),
      state: join(base, 'state'),
      log: join(base, 'output.log'),
    };
    await mkdir(base);
    const metadata = join(folders.agent, METADATA_NAME);
    for (const folder of [folders.agent, folders.state]) await mkdir(folder, { mode: 0o700 });
    await writeFile(metadata, JSON.stringify({ TaskARN: spec.taskArn }), { mode: 0o400 });
    if (identity.startAs !== undefined) {
      const { uid, gid } = identity.startAs;
      for (const path of [metadata, folders.agent, folders.state]) await chown(path, uid, gid);
    }
    return folders;
  }

  async #makeGroup(spec: TaskSpec): Promise<TaskGroup | undefined> {
    return this.#options.cgroups?.create(this.#owner, spec.id, {
      memoryBytes: spec.memoryMb * MIB,
      vcpu: spec.vcpu,
      processes: PROCESSES_PER_TASK,
    });
  }

  async #startBwrap(parts: {
    readonly spec: TaskSpec;
    readonly image: ImageManifest;
    readonly identity: Identity;
    readonly folders: TaskFolders;
    readonly group: TaskGroup | undefined;
    readonly undo: AsyncDisposableStack;
  }): Promise<BwrapProcess> {
    const { spec, image, identity, folders, group, undo } = parts;
    const layout = {
      image,
      imageDirectory: await this.#reachableImage(spec.imageDirectory),
      root: (await this.#runtimes.of(image.digest)).root,
      etc: this.#etc,
      agentDirectory: folders.agent,
      stateDirectory: folders.state,
      memoryBytes: spec.memoryMb * MIB,
      diskBytes: spec.diskGb * GIB,
      internet: spec.internet,
      environment: environmentOf(spec, image),
    };
    using copies = new CopiedFiles();
    const logFd = openSync(folders.log, 'a');
    try {
      return await BwrapProcess.start({
        bwrap: this.#options.bwrap,
        arguments: bwrapArguments(layout, copies),
        command: image.entrypoint,
        copies,
        inheritedFds: this.#inheritedFds,
        startAs: identity.startAs,
        logFd,
        place: async (pid) => {
          if (group === undefined) setPriority(pid, NICENESS);
          else await group.add(pid);
          await identity.map(pid);
        },
        connect: spec.internet
          ? async (pid) => void undo.use(await TaskNetwork.open(pid))
          : undefined,
      });
    } catch (error) {
      const said = await tailOf(folders.log);
      throw new Error(`task ${spec.id} did not start: ${messageOf(error)} ${said}`.trim(), {
        cause: error,
      });
    } finally {
      closeSync(logFd);
    }
  }

  #track(parts: {
    readonly spec: TaskSpec;
    readonly process: BwrapProcess;
    readonly forwarder: Forwarder;
    readonly group: TaskGroup | undefined;
    readonly folders: TaskFolders;
    readonly undo: AsyncDisposableStack;
  }): Task {
    const { spec, process, forwarder, group, folders, undo } = parts;
    const task = new Task({
      address: forwarder.address,
      process,
      finish: async (ended: EndedProcess): Promise<TaskExit> => {
        try {
          const kills = (await group?.outOfMemoryKills()) ?? 0;
          if (!ended.asked && ended.exitCode !== 0) {
            const said = await tailOf(folders.log);
            this.#options.log(`task ${spec.id} exited with ${ended.exitCode} ${said}`.trim());
          }
          // User code that is ended for want of memory is not the end of the task.
          const outOfMemory = kills > 0 && ended.exitCode === 137 && !ended.asked;
          return { exitCode: ended.exitCode, outOfMemory };
        } finally {
          await undo.disposeAsync();
          this.#tasks.delete(task);
        }
      },
    });
    this.#tasks.add(task);
    return task;
  }
}

function environmentOf(spec: TaskSpec, image: ImageManifest): Record<string, string> {
  return {
    ...image.environment,
    ...spec.environment,
    AGENT_SOCKET: join(AGENT_FOLDER, SOCKET_NAME),
    ECS_CONTAINER_METADATA_FILE: join(AGENT_FOLDER, METADATA_NAME),
  };
}

async function tailOf(path: string): Promise<string> {
  return (await readFile(path, 'utf8')).slice(-LOG_TAIL).trim();
}
