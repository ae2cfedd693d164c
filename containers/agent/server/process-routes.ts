/** The routes of processes: what each parses, does and answers. */
import {
  type ProcessStdinResponse,
  PtySize,
  SignalProcessRequest,
  StartProcessRequest,
} from '../../../contract/agent/processes.ts';
import { StdinPart } from '../../../contract/agent/protocol.ts';
import { AppError } from '../../../contract/errors.ts';
import { LIMITS } from '../../../contract/limits.ts';
import { describe, refuseEnded } from '../processes/process-runs.ts';
import { readJson } from './body.ts';
import { parseInput, refuseLarge } from './problems.ts';
import { type Exchange, type JsonAnswer, ok, type Route } from './route.ts';

export const PROCESS_ROUTES: readonly Route[] = [
  { method: 'POST', pattern: /^\/processes$/, handle: startProcess },
  { method: 'GET', pattern: /^\/processes$/, handle: listProcesses },
  { method: 'DELETE', pattern: /^\/processes\/(\d{1,10})$/, handle: killProcess },
  { method: 'POST', pattern: /^\/processes\/(\d{1,10})\/stdin$/, handle: writeProcessStdin },
  { method: 'POST', pattern: /^\/processes\/(\d{1,10})\/resize$/, handle: resizeProcess },
  { method: 'POST', pattern: /^\/processes\/(\d{1,10})\/signal$/, handle: signalProcess },
];

async function startProcess({ sandbox, request }: Exchange): Promise<JsonAnswer> {
  const body = parseInput(StartProcessRequest, await readJson(request));
  return { status: 201, body: describe(await sandbox.processRuns.start(body)) };
}

async function listProcesses({ sandbox }: Exchange): Promise<JsonAnswer> {
  return ok({ items: sandbox.processes.all().map(describe) });
}

async function killProcess(exchange: Exchange): Promise<JsonAnswer> {
  running(exchange).kill();
  return { status: 204 };
}

async function writeProcessStdin(exchange: Exchange): Promise<JsonAnswer> {
  const part = parseInput(StdinPart, await readJson(exchange.request));
  refuseLarge('PAYLOAD_TOO_LARGE', 'text', part.text, LIMITS.stdinBytes);
  const { pid, executionId, config } = running(exchange);
  if (executionId === undefined || !config.stdin)
    throw new AppError(
      'INVALID_SANDBOX_STATE',
      executionId === undefined
        ? `process ${pid} was started by an E2B client, which alone can write to it`
        : `process ${pid} was started without \`stdin\`; start it with \`stdin: true\``,
      { details: { pid } },
    );
  const nextSeq = exchange.sandbox.executions.writeStdin(executionId, part);
  return { status: 202, body: { pid, nextSeq } satisfies ProcessStdinResponse };
}

async function resizeProcess(exchange: Exchange): Promise<JsonAnswer> {
  const size = parseInput(PtySize, await readJson(exchange.request));
  running(exchange).resize(size);
  return { status: 204 };
}

async function signalProcess(exchange: Exchange): Promise<JsonAnswer> {
  const { signal } = parseInput(SignalProcessRequest, await readJson(exchange.request));
  running(exchange).signal(signal);
  return { status: 204 };
}

function running({ sandbox, id }: Exchange) {
  const process = sandbox.processes.get({ pid: Number(id) });
  refuseEnded(process);
  return process;
}
