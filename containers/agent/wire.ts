/**
 * Puts the parts of the agent together from its configuration. No behaviour of its own.
 */
import { chmod, chown } from 'node:fs/promises';
import { LIMITS } from '../../contract/limits.ts';
import type { AgentConfig } from './config.ts';
import { Context } from './executions/context.ts';
import { ExecutionRegistry } from './executions/registry.ts';
import { SpoolStore } from './executions/spool-store.ts';
import { Kernel } from './kernels/kernel.ts';
import { findLanguages } from './languages.ts';
import type { Log } from './log.ts';
import { memoryLimitBytes } from './processes/memory.ts';
import {
  isCrowded,
  killAllOfUser,
  type LauncherOptions,
  launchCommand,
} from './processes/user-process.ts';
import { Sandbox } from './sandbox.ts';
import { SandboxState } from './sandbox-state.ts';
import { findTaskId } from './task-metadata.ts';

const QUEUED_PER_CONTEXT = 16;
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
  await giveWorkspace(config);
  const state = new SandboxState(onDeadline);
  const context = defaultContext({ config, launcher, state, store, log });
  const executions = new ExecutionRegistry({
    store,
    context,
    maxRunning: config.AGENT_MAX_EXECUTIONS,
    outputBytes: config.AGENT_OUTPUT_BYTES,
    graceBytes: LIMITS.outputGraceBytes,
    refuseNew: () => state.refuseWhenDraining(),
    onSpoolFailure: (error) => log.error('a spool is not on disk', { error: String(error) }),
  });
  const metadata = {
    file: config.ECS_CONTAINER_METADATA_FILE,
    uri: config.ECS_CONTAINER_METADATA_URI_V4,
  };
  const taskId = await findTaskId(metadata).catch((error: unknown) => {
    log.error('ECS did not tell which task this is', { error: String(error) });
    return undefined;
  });
  // Not awaited: the agent answers while the interpreter warms up.
  void context.warm();
  return new Sandbox({
    taskId,
    state,
    executions,
    context,
    keepaliveMs: config.AGENT_KEEPALIVE_MS,
    drainMs: config.AGENT_DRAIN_MS,
    killAllOfUser: () => killAllOfUser(launcher),
    log,
  });
}

interface ContextParts {
  readonly config: AgentConfig;
  readonly launcher: LauncherOptions;
  readonly state: SandboxState;
  readonly store: SpoolStore;
  readonly log: Log;
}

function defaultContext({ config, launcher, state, store, log }: ContextParts): Context {
  const languages = findLanguages(config.AGENT_LANGUAGES);
  // Told to whoever starts the first kernel.
  languages.catch(() => undefined);
  const startKernel = async (): Promise<Kernel> => {
    const driver = (await languages).get('python');
    if (!driver) throw new Error('no interpreter of python is installed here');
    const began = performance.now();
    const kernel = await Kernel.start({
      command: launchCommand(launcher, config.AGENT_WORKSPACE, driver.command),
      env: userEnvironment(config),
      cwd: config.AGENT_LAUNCHER === 'none' ? config.AGENT_WORKSPACE : '/',
      pipeDirectory: store.directory,
      log,
    });
    const startedMs = Math.round(performance.now() - began);
    log.info('an interpreter is ready', { driver: driver.name, pid: kernel.pid, startedMs });
    return kernel;
  };
  return new Context({
    startKernel,
    killLeftovers: () => killAllOfUser(launcher),
    isCrowded: () => isCrowded(launcher),
    baseEnv: () => state.env,
    runLimits: {
      timeoutGraceMs: config.AGENT_TIMEOUT_GRACE_MS,
      interruptGraceMs: config.AGENT_INTERRUPT_GRACE_MS,
      dataBytes: launcher.dataBytes,
      maxProcesses: launcher.maxProcesses,
      fileBytes: launcher.fileBytes,
    },
    maxQueued: QUEUED_PER_CONTEXT,
    log,
  });
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

/** A volume arrives as root's. */
async function giveWorkspace(config: AgentConfig): Promise<void> {
  if (config.AGENT_LAUNCHER === 'none') return;
  await chown(config.AGENT_WORKSPACE, config.AGENT_USER_UID, config.AGENT_USER_GID);
}
