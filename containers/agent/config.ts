/**
 * The agent's configuration: each value once, with its meaning, default and environment name. Reads
 * the environment and empties it, so that nothing of it is left for anyone to find.
 */
import * as z from 'zod/mini';
import { METRIC_INTERVAL_MS } from '../../contract/agent/metrics.ts';
import { AGENT_PORT } from '../../contract/agent/protocol.ts';
import { KEEPALIVE_MS, LIMITS, SPOOL_BYTES } from '../../contract/limits.ts';

const MIB = 1024 * 1024;

const integer = (fallback: number, min: number, max: number) =>
  z.pipe(
    z.prefault(z.string().check(z.regex(/^\d{1,15}$/, 'must be a whole number')), String(fallback)),
    z.pipe(z.transform(Number), z.int().check(z.minimum(min), z.maximum(max))),
  );
const text = (fallback: string) => z._default(z.string(), fallback);
const path = (fallback: string) =>
  z._default(z.string().check(z.regex(/^\//, 'must be an absolute path')), fallback);

const AgentEnvironment = z
  .object({
    /** TCP port; 0 takes a free one. */
    AGENT_PORT: integer(AGENT_PORT, 0, 65_535),
    /** TCP address. */
    AGENT_HOST: text('0.0.0.0'),
    /** A unix socket to listen on as well, mode 0600; empty for none. */
    AGENT_SOCKET: text(''),
    /** Path of the launcher, or `none`: user code then runs as the agent's own user. Bare hosts only. */
    AGENT_LAUNCHER: z
      .string('must be the launcher’s path, or "none" on a bare host')
      .check(z.regex(/^(\/.*|none)$/, 'must be an absolute path or "none"')),
    /** The seccomp table that the launcher loads. */
    AGENT_SECCOMP: text(''),
    /** The program that does file operations with the rights of user code. */
    AGENT_FILES_HELPER: path('/opt/agent/files-helper'),
    /** The program that gives a process of user code a terminal. */
    AGENT_PTY_HELPER: path('/opt/agent/pty-helper'),
    /** Folder of languages, one folder with a manifest for each. */
    AGENT_LANGUAGES: path('/opt/agent/languages'),
    /** Folder of spools, closed to all but the agent. */
    AGENT_SPOOL: path('/var/lib/agent/spool'),
    /** Bytes of all spools together. */
    AGENT_SPOOL_BYTES: integer(SPOOL_BYTES, MIB, 1024 * 1024 * MIB),
    /** Folders, parted by colons, in which everybody may make files. */
    AGENT_SCRATCH: text(''),
    /** Home and first working directory of user code. */
    AGENT_WORKSPACE: path('/home/user'),
    /** The user that user code runs as. */
    AGENT_USER_UID: integer(1000, 1, 65_532),
    AGENT_USER_GID: integer(1000, 1, 65_532),
    /** Processes and threads of that user. */
    AGENT_MAX_PROCESSES: integer(256, 0, 1_000_000),
    /** Open files of each of its processes. */
    AGENT_MAX_OPEN_FILES: integer(1024, 0, 1_000_000),
    /** The largest file that it may write; 0 for no limit. */
    AGENT_FILE_BYTES: integer(10 * 1024 * MIB, 0, Number.MAX_SAFE_INTEGER),
    /** Memory of the whole task; 0 finds it out from the cgroup. */
    AGENT_MEMORY_BYTES: integer(0, 0, Number.MAX_SAFE_INTEGER),
    /** What of it is kept from each process of user code, for the agent. */
    AGENT_MEMORY_RESERVE_BYTES: integer(128 * MIB, 0, Number.MAX_SAFE_INTEGER),
    /** Kept output of one execution. */
    AGENT_OUTPUT_BYTES: integer(LIMITS.outputBytes, 1, 1024 * MIB),
    /** A silent event stream says this often that it lives. */
    AGENT_KEEPALIVE_MS: integer(KEEPALIVE_MS, 10, 60_000),
    /** From one measurement of what the sandbox uses to the next. */
    AGENT_SAMPLE_MS: integer(METRIC_INTERVAL_MS, 10, 3_600_000),
    /** Executions that may run at once. */
    AGENT_MAX_EXECUTIONS: integer(LIMITS.runningExecutionsPerSandbox, 1, 64),
    /** From SIGINT to SIGKILL, at an interrupt and at the time limit. */
    AGENT_INTERRUPT_GRACE_MS: integer(5_000, 10, 60_000),
    AGENT_TIMEOUT_GRACE_MS: integer(1_000, 10, 60_000),
    /** For how long nothing must run, here or on the machine, before heavy libraries are loaded; 0 does not wait. */
    AGENT_PRELOAD_QUIET_MS: integer(500, 0, 2 ** 31 - 1),
    /** How long a drain waits for the readers. */
    AGENT_DRAIN_MS: integer(5_000, 10, 60_000),
    /** Set by ECS: a file, or an address, that tells the task's own ARN. */
    ECS_CONTAINER_METADATA_FILE: text(''),
    ECS_CONTAINER_METADATA_URI_V4: text(''),
  })
  .check(
    z.refine((env) => env.AGENT_LAUNCHER === 'none' || env.AGENT_SECCOMP.startsWith('/'), {
      path: ['AGENT_SECCOMP'],
      message: 'must be the path of the table that the launcher loads',
    }),
  );
export type AgentConfig = z.infer<typeof AgentEnvironment>;

/** Takes the configuration out of the environment; names every value that is wrong. */
export function takeConfig(): AgentConfig {
  const parsed = AgentEnvironment.safeParse({ ...process.env });
  for (const name of Object.keys(process.env)) delete process.env[name];
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new Error(`the agent's environment is wrong: ${problems.join('; ')}`);
}
