/**
 * The E2B process service, from the processes of this sandbox. A process outlives its readers, but not the
 * time limit that it was started with. Must never replay: a reader that comes later hears what comes later.
 */
import type { Event } from '../../../contract/events.ts';
import type { Process } from '../processes/process.ts';
import { type ConnectMethod, type StreamCall, stream, unary } from './connect.ts';
import { ConnectError } from './connect-errors.ts';
import { deadline } from './deadline.ts';
import { homePath } from './paths.ts';
import {
  CloseStdinRequest,
  ConnectRequest,
  ListRequest,
  SendInputRequest,
  SendSignalRequest,
  SIGNALS,
  StartRequest,
  UpdateRequest,
} from './process-messages.ts';

export const PROCESS_METHODS: Readonly<Record<string, ConnectMethod>> = {
  '/process.Process/Start': stream(StartRequest, start),
  '/process.Process/Connect': stream(ConnectRequest, connect),
  '/process.Process/List': unary(ListRequest, async ({ processes }) => ({
    processes: processes.running().map(describe),
  })),
  '/process.Process/SendInput': unary(SendInputRequest, async ({ processes }, request) => {
    const { input } = request;
    processes.get(request.process).write('stdin' in input ? input.stdin : input.pty);
    return {};
  }),
  '/process.Process/Update': unary(UpdateRequest, async ({ processes }, request) => {
    const process = processes.get(request.process);
    if (request.pty) process.resize(request.pty.size);
    return {};
  }),
  '/process.Process/CloseStdin': unary(CloseStdinRequest, async ({ processes }, request) => {
    processes.get(request.process).closeStdin();
    return {};
  }),
  '/process.Process/SendSignal': unary(SendSignalRequest, async ({ processes }, request) => {
    const process = processes.get(request.process);
    if (process.signal(SIGNALS[request.signal])) return {};
    throw new ConnectError('not_found', `process ${process.pid} has ended`);
  }),
};

async function start(call: StreamCall, request: StartRequest): Promise<void> {
  const { cmd, args, envs, cwd } = request.process;
  const process = await call.sandbox.processes.start({
    command: cmd,
    args,
    env: envs,
    ...(cwd === undefined ? {} : { cwd: homePath(cwd) }),
    tag: request.tag,
    stdin: request.stdin || request.pty !== undefined,
    pty: request.pty?.size,
    timeoutMs: call.timeoutMs,
  });
  await sendEvents(call, process, 0);
}

async function connect(call: StreamCall, request: { process: { pid: number } | { tag: string } }) {
  const process = call.sandbox.processes.get(request.process);
  // Who comes after the end still hears it.
  const after = process.end ? process.log.lastSeq - 1 : process.log.lastSeq;
  await sendEvents(call, process, after);
}

async function sendEvents(call: StreamCall, process: Process, after: number): Promise<void> {
  const { stream: messages, timeoutMs, keepaliveMs } = call;
  using reader = process.log.read(after, () => messages.cut());
  messages.onClose(() => reader[Symbol.dispose]());
  using late = deadline(timeoutMs, GRACE_MS, () => reader[Symbol.dispose]());
  await messages.send({ event: { start: { pid: process.pid } } });
  for (;;) {
    const next = await reader.next(keepaliveMs);
    if (next === 'silence') await messages.send({ event: { keepalive: {} } });
    else if (next === 'end') return messages.end();
    else if (next === 'cut') return late.passed ? messages.end(timedOut()) : messages.cut();
    else {
      const told = next
        .map((event) => project(event, process))
        .filter((event) => event !== undefined);
      await messages.send(...told.map((event) => ({ event })));
      if (process.timedOut && next.at(-1)?.type === 'finished') return messages.end(timedOut());
    }
  }
}

const timedOut = () =>
  new ConnectError('deadline_exceeded', 'the time limit of this call has passed');

/** A process is killed at the same time, and has the first word on it. */
const GRACE_MS = 1_000;

function project(event: Event, { config }: Process): object | undefined {
  switch (event.type) {
    case 'stdout':
    case 'stderr':
      return {
        data: {
          [config.pty ? 'pty' : event.type]:
            event.base64 ?? Buffer.from(event.text ?? '').toString('base64'),
        },
      };
    case 'finished':
      return { end: endOf(event) };
    default:
      return undefined;
  }
}

/** As Go tells them, which that wire was made in. */
const SIGNAL_NAMES: Readonly<Record<string, string>> = {
  SIGHUP: 'hangup',
  SIGINT: 'interrupt',
  SIGKILL: 'killed',
  SIGTERM: 'terminated',
  SIGSEGV: 'segmentation fault',
  SIGABRT: 'aborted',
  SIGPIPE: 'broken pipe',
};

function endOf({ exitCode, signal }: { exitCode: number | null; signal?: string | undefined }) {
  if (signal === undefined) {
    const status = `exit status ${exitCode ?? 0}`;
    return {
      exitCode: exitCode ?? 0,
      exited: true,
      status,
      ...(exitCode ? { error: status } : {}),
    };
  }
  const status = `signal: ${SIGNAL_NAMES[signal] ?? signal}`;
  return { exitCode: -1, exited: false, status, error: status };
}

function describe({ pid, config }: Process): object {
  const { command, args, env, cwd, tag } = config;
  return {
    pid,
    ...(tag === undefined ? {} : { tag }),
    config: { cmd: command, args, envs: env, ...(cwd === undefined ? {} : { cwd }) },
  };
}
