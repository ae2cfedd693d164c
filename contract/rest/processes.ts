/**
 * Processes over REST: commands that live longer than a run, and terminals. What one prints are the
 * events of the execution that it names: readEvents, or `subscribe` on the WebSocket.
 */
import * as z from 'zod/mini';
import {
  Process,
  ProcessList,
  ProcessStdinResponse,
  PtySize,
  SignalProcessRequest,
  StartProcessBody,
} from '../agent/processes.ts';
import { StdinPart } from '../agent/protocol.ts';
import { SandboxId } from '../ids.ts';
import { Nothing, operation } from './operation.ts';

const SandboxPath = z.strictObject({ sandboxId: SandboxId });
const Pid = z.pipe(
  z.string().check(z.regex(/^[1-9]\d{0,9}$/, 'must be the number of a process')),
  z.transform(Number),
);
const ProcessPath = z.strictObject({ sandboxId: SandboxId, pid: Pid });

const SANDBOX_ERRORS = [
  'SANDBOX_NOT_FOUND',
  'SANDBOX_GONE',
  'INVALID_SANDBOX_STATE',
  'AGENT_UNREACHABLE',
] as const;

export const processOperations = {
  startProcess: operation({
    method: 'POST',
    path: '/sandboxes/{sandboxId}/processes',
    role: 'developer',
    summary:
      'Start a command that goes on by itself, or a terminal; its events are those of its `executionId`, with the first 64 MiB of what it prints',
    params: SandboxPath,
    headers: ['Idempotency-Key'],
    body: StartProcessBody,
    answers: { 201: Process },
    errors: [...SANDBOX_ERRORS, 'RESOURCE_LIMIT_ERROR', 'NOT_SUPPORTED'],
  }),
  listProcesses: operation({
    method: 'GET',
    path: '/sandboxes/{sandboxId}/processes',
    role: 'viewer',
    summary: 'List the processes that run, and those that ended last',
    params: SandboxPath,
    answers: { 200: ProcessList },
    errors: SANDBOX_ERRORS,
  }),
  killProcess: operation({
    method: 'DELETE',
    path: '/sandboxes/{sandboxId}/processes/{pid}',
    role: 'developer',
    summary: 'Kill a process and its children',
    params: ProcessPath,
    answers: { 204: Nothing },
    errors: [...SANDBOX_ERRORS, 'PROCESS_NOT_FOUND'],
  }),
  writeProcessStdin: operation({
    method: 'POST',
    path: '/sandboxes/{sandboxId}/processes/{pid}/stdin',
    role: 'developer',
    summary:
      'Write to a process that was started with `stdin` or `pty`; a repeat with the same seq is read once',
    params: ProcessPath,
    body: StdinPart,
    answers: { 202: ProcessStdinResponse },
    errors: [...SANDBOX_ERRORS, 'PROCESS_NOT_FOUND', 'PAYLOAD_TOO_LARGE', 'RESOURCE_LIMIT_ERROR'],
  }),
  resizeProcess: operation({
    method: 'POST',
    path: '/sandboxes/{sandboxId}/processes/{pid}/resize',
    role: 'developer',
    summary: 'Give the terminal of a process another size',
    params: ProcessPath,
    body: PtySize,
    answers: { 204: Nothing },
    errors: [...SANDBOX_ERRORS, 'PROCESS_NOT_FOUND'],
  }),
  signalProcess: operation({
    method: 'POST',
    path: '/sandboxes/{sandboxId}/processes/{pid}/signal',
    role: 'developer',
    summary: 'Send a signal to a process and its children',
    params: ProcessPath,
    body: SignalProcessRequest,
    answers: { 204: Nothing },
    errors: [...SANDBOX_ERRORS, 'PROCESS_NOT_FOUND'],
  }),
};
