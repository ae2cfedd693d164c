/**
 * Puts the parts of the agent together from its configuration. No behaviour of its own.
 */
import { chmod, chown } from 'node:fs/promises';
import { LIMITS } from '../../contract/limits.ts';
import type { Language } from '../../contract/runtimes.ts';
import type { AgentConfig } from './config.ts';
import { Context, type ContextFacts } from './contexts/context.ts';
import { Contexts } from './contexts/contexts.ts';
import { KernelStarter } from './contexts/kernel-starter.ts';
import { Preloader } from './contexts/preloader.ts';
import { VALIDATION_BOUNDS, Validator } from './contexts/validator.ts';
import { ExecutionRegistry } from './executions/registry.ts';
import { SpoolStore } from './executions/spool-store.ts';
import { FileSystem } from './files/file-system.ts';
import { Uploads } from './files/uploads.ts';
import { Watches } from './files/watches.ts';
import { findLanguages } from './languages.ts';
import type { Log } from './log.ts';
import { idleProcessorMs, readResources, readRoom } from './metrics/readings.ts';
import { Sampler } from './metrics/sampler.ts';
import { memoryLimitBytes } from './processes/memory.ts';
import { ProcessRuns } from './processes/process-runs.ts';
import { Processes } from './processes/processes.ts';
import { killAllOfUser, type LauncherOptions, launchCommand } from './processes/user-process.ts';
import { Sandbox } from './sandbox.ts';
import { SandboxState } from './sandbox-state.ts';
import { findTaskId } from './task-metadata.ts';

/** Of what a process may hold; the rest is for what an interpreter keeps outside of its heap. */
const HEAP_SHARE = 0.75;
/** The sandbox that will be asked for is not known yet; this is the most likely. */
const WARM_LANGUAGE: Language = 'python';
const HELPER_DATA_BYTES = 64 * 1024 * 1024;
/** A task with less could not run an interpreter. */
const LEAST_DATA_BYTES = 128 * 1024 * 1024;

export async function openSandbox(
  config: AgentConfig,
  log: Log,
  onDeadline: () => void,
): Promise<Sandbox> {
  const store = await SpoolStore.open(config.AGENT_SPOOL, config.AGENT_SPOOL_BYTES);
  await chmod(store.directory, 0o700);
  const launcher = launcherOptions(config);
  await giveVolumes(config);
  const state = new SandboxState(onDeadline);
  const refuseNew = () => state.refuseWhenDraining();
  const processes = new Processes({
    launcher,
    ptyHelper: config.AGENT_PTY_HELPER,
    workspace: config.AGENT_WORKSPACE,
    pipeDirectory: store.directory,
    environment: userEnvironment(config),
    baseEnv: () => state.env,
    refuseNew,
    giveWay: () => contexts.giveWay(),
  });
  const drivers = findLanguages({
    directory: config.AGENT_LANGUAGES,
    heapMb: Math.floor((launcher.dataBytes * HEAP_SHARE) / 1024 ** 2),
  });
  const contexts = openContexts({ config, drivers, launcher, state, store, processes, log });
  const executions = new ExecutionRegistry({
    store,
    contexts,
    maxRunning: config.AGENT_MAX_EXECUTIONS,
    outputBytes: config.AGENT_OUTPUT_BYTES,
    graceBytes: LIMITS.outputGraceBytes,
    refuseNew,
    onSpoolFailure: (error) => log.error('a spool is not on disk', { error: String(error) }),
  });
  const taskId = await ownTaskId(config, log);
  void warmDefault(contexts, log);
  const files = fileSystem(config, launcher);
  return new Sandbox({
    taskId,
    state,
    executions,
    contexts,
    validator: openValidator({ config, drivers, launcher, state }),
    files,
    uploads: new Uploads(files),
    watches: new Watches({ executions, files, log }),
    processes,
    processRuns: new ProcessRuns({ executions, processes }),
    sampler: openSampler(config, log),
    keepaliveMs: config.AGENT_KEEPALIVE_MS,
    drainMs: config.AGENT_DRAIN_MS,
    killAllOfUser: () => killAllOfUser(launcher),
    log,
  });
}

function openSampler(config: AgentConfig, log: Log): Sampler {
  const { AGENT_WORKSPACE: workspace, AGENT_SAMPLE_MS: intervalMs } = config;
  const memoryBytes = config.AGENT_MEMORY_BYTES || undefined;
  return new Sampler({
    read: () => readResources(workspace, { memoryBytes }),
    intervalMs,
    onFailure: (error) => log.error('what is used was not measured', { error: String(error) }),
  });
}

function ownTaskId(config: AgentConfig, log: Log): Promise<string | undefined> {
  const { ECS_CONTAINER_METADATA_FILE: file, ECS_CONTAINER_METADATA_URI_V4: uri } = config;
  return findTaskId({ file, uri }).catch((error: unknown) => {
    log.error('ECS did not tell which task this is', { error: String(error) });
    return undefined;
  });
}

interface ContextParts {
  readonly config: AgentConfig;
  readonly drivers: ReturnType<typeof findLanguages>;
  readonly launcher: LauncherOptions;
  readonly state: SandboxState;
  readonly store: SpoolStore;
  readonly processes: Processes;
  readonly log: Log;
}

function openContexts(parts: ContextParts): Contexts {
  const { config, drivers, launcher, state, store, processes, log } = parts;
  const preloader = new Preloader({
    loads: (language) => kernels.canPreload(language),
    start: (language, signal) => kernels.startPreloaded(language, signal),
    roomBytes: () =>
      readRoom(config.AGENT_WORKSPACE, { memoryBytes: config.AGENT_MEMORY_BYTES || undefined }),
    isIdle: () => contexts.all().every(({ idle }) => idle) && processes.idle,
    idleMs: idleProcessorMs,
    quietMs: config.AGENT_PRELOAD_QUIET_MS,
    log,
  });
  const kernels = new KernelStarter({
    launcher,
    preloader,
    drivers,
    workspace: config.AGENT_WORKSPACE,
    environment: userEnvironment(config),
    pipeDirectory: store.directory,
    otherLeaders: () => processes.leaders(),
    log,
  });
  const runLimits = {
    timeoutGraceMs: config.AGENT_TIMEOUT_GRACE_MS,
    interruptGraceMs: config.AGENT_INTERRUPT_GRACE_MS,
    dataBytes: launcher.dataBytes,
    maxProcesses: launcher.maxProcesses,
    fileBytes: launcher.fileBytes,
  };
  const open = (facts: ContextFacts) =>
    new Context({
      facts,
      startKernel: (request) => kernels.start(request),
      preloader,
      baseEnv: () => state.env,
      runLimits,
      maxQueued: LIMITS.queuedPerContext,
      log,
    });
  const contexts = new Contexts({
    languages: drivers.then((found) => new Set(found.keys())),
    open,
    expectMore: (language) =>
      kernels.keepSpare({ language, earlyDeaths: 'none', isWanted: () => !state.draining }),
    preloader,
    maxContexts: LIMITS.contextsPerSandbox,
    refuseNew: () => state.refuseWhenDraining(),
  });
  return contexts;
}

function openValidator(
  parts: Pick<ContextParts, 'config' | 'drivers' | 'launcher' | 'state'>,
): Validator {
  const { config, drivers, launcher, state } = parts;
  return new Validator({
    launcher,
    drivers,
    environment: userEnvironment(config),
    bounds: VALIDATION_BOUNDS,
    refuseNew: () => state.refuseWhenDraining(),
  });
}

/** Not awaited: the agent answers while the interpreter warms up. */
async function warmDefault(contexts: Contexts, log: Log): Promise<void> {
  try {
    await contexts.ready;
    await contexts.defaultOf(WARM_LANGUAGE).warm();
  } catch (error) {
    log.warn('no interpreter was warmed up', { error: String(error) });
  }
}

function launcherOptions(config: AgentConfig): LauncherOptions {
  const memoryBytes = config.AGENT_MEMORY_BYTES || memoryLimitBytes();
  const dataBytes = memoryBytes - config.AGENT_MEMORY_RESERVE_BYTES;
  return {
    launcher: config.AGENT_LAUNCHER,
    seccompFile: config.AGENT_SECCOMP,
    uid: config.AGENT_USER_UID,
    gid: config.AGENT_USER_GID,
    maxProcesses: config.AGENT_MAX_PROCESSES,
    maxOpenFiles: config.AGENT_MAX_OPEN_FILES,
    fileBytes: config.AGENT_FILE_BYTES,
    dataBytes: Math.max(LEAST_DATA_BYTES, dataBytes),
  };
}

/** The helper has the rights of user code, none of its limits on processes, and memory for a page of names. */
function fileSystem(config: AgentConfig, launcher: LauncherOptions): FileSystem {
  const own = { ...launcher, maxProcesses: 0, dataBytes: HELPER_DATA_BYTES, guard: true } as const;
  return new FileSystem({
    workspace: config.AGENT_WORKSPACE,
    scratch: '/tmp',
    helper: launchCommand(own, '/', [config.AGENT_FILES_HELPER]),
  });
}

/** All that user code finds, beside what `init` and the request bring. */
function userEnvironment(config: AgentConfig): Record<string, string> {
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: config.AGENT_WORKSPACE,
    LANG: 'C.UTF-8',
    USER: 'user',
    PYTHONUNBUFFERED: '1',
  };
}

/** A volume may arrive as root's alone, whatever mode the image gave its folder. */
async function giveVolumes(config: AgentConfig): Promise<void> {
  if (config.AGENT_LAUNCHER === 'none') return;
  await chown(config.AGENT_WORKSPACE, config.AGENT_USER_UID, config.AGENT_USER_GID);
  const scratch = config.AGENT_SCRATCH.split(':').filter((path) => path !== '');
  await Promise.all(scratch.map((path) => chmod(path, 0o1777)));
}
