/**
 * Processes whose events are those of an execution, so that whoever reads can leave, come back and miss
 * nothing. Must never keep a process whose execution is forgotten.
 */
import type {
  Process as ProcessInfo,
  StartProcessRequest,
} from '../../../contract/agent/processes.ts';
import { AppError } from '../../../contract/errors.ts';
import type { Execution } from '../executions/execution.ts';
import type { ExecutionRegistry } from '../executions/registry.ts';
import type { Process, ProcessConfig } from './process.ts';
import type { Processes } from './processes.ts';

const SHELL = '/bin/bash';
/** Of a command, and of its arguments together: a list of many stays small. */
const SHOWN_CHARS = 1_024;

export interface ProcessRunsOptions {
  readonly executions: ExecutionRegistry;
  readonly processes: Processes;
}

export class ProcessRuns {
  readonly #options: ProcessRunsOptions;
  readonly #opened = new WeakMap<Execution, Promise<Process>>();

  constructor(options: ProcessRunsOptions) {
    this.#options = options;
  }

  start(request: StartProcessRequest): Promise<Process> {
    const { executions, processes } = this.#options;
    const config = configOf(request);
    return executions.openOnce({
      request,
      takesStdin: config.stdin,
      opened: this.#opened,
      begin: (execution) => processes.start(config, execution),
      interrupt: (running) => running.interrupt(),
    });
  }
}

export function describe(process: Process): ProcessInfo {
  const { pid, config, startedAt, end, executionId, ptySize, nextStdinSeq } = process;
  const { command, args, cwd, tag, stdin } = config;
  return {
    pid,
    ...(executionId === undefined ? {} : { executionId }),
    command: command.slice(0, SHOWN_CHARS),
    args: headOf(args),
    ...(cwd === undefined ? {} : { cwd }),
    ...(tag === undefined ? {} : { tag }),
    ...(ptySize === undefined ? {} : { pty: ptySize }),
    stdin,
    startedAt,
    status: end ? 'ended' : 'running',
    ...end,
    ...(nextStdinSeq === undefined ? {} : { nextStdinSeq }),
  };
}

function headOf(args: readonly string[]): string[] {
  const shown: string[] = [];
  let left = SHOWN_CHARS;
  for (const arg of args) {
    if (left <= 0) break;
    shown.push(arg.slice(0, left));
    // An empty one takes room as well.
    left -= arg.length + 1;
  }
  return shown;
}

/** @throws {AppError} where it has ended */
export function refuseEnded({ pid, end }: Process): void {
  if (end === undefined) return;
  throw new AppError('PROCESS_NOT_FOUND', `process ${pid} has ended with ${end.exitCode}`, {
    details: { pid, exitCode: end.exitCode },
  });
}

function configOf(request: StartProcessRequest): ProcessConfig {
  const { command, args, cwd, env = {}, pty, tag, stdin = false, timeoutMs } = request;
  return {
    command: args ? command : SHELL,
    args: args ?? ['-c', command],
    cwd,
    env: { ...(pty ? { TERM: 'xterm-256color' } : {}), ...env },
    tag,
    stdin: stdin || pty !== undefined,
    pty,
    timeoutMs,
  };
}
