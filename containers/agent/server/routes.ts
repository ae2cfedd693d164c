/**
 * The agent's routes: what each parses, does and answers. Thin: the work is the sandbox's.
 */

import { SamplesQuery } from '../../../contract/agent/metrics.ts';
import {
  AGENT_PROTOCOL,
  DeadlineRequest,
  EventsQuery,
  InitRequest,
  StartExecutionRequest,
  StdinPart,
} from '../../../contract/agent/protocol.ts';
import { AppError } from '../../../contract/errors.ts';
import { LIMITS } from '../../../contract/limits.ts';
import { FILE_ROUTES } from '../files/routes.ts';
import { readJson } from './body.ts';
import {
  completeCode,
  createContext,
  deleteContext,
  getContext,
  listContexts,
  refuseCwd,
  restartContext,
  validateCode,
} from './context-routes.ts';
import { sendEvents } from './event-stream.ts';
import { parseInput, refuseLarge } from './problems.ts';
import { PROCESS_ROUTES } from './process-routes.ts';
import { type Exchange, type JsonAnswer, numberIn, ok, type Route } from './route.ts';

export const ROUTES: readonly Route[] = [
  { method: 'GET', pattern: /^\/health$/, open: true, handle: health },
  { method: 'POST', pattern: /^\/init$/, open: true, handle: init },
  { method: 'POST', pattern: /^\/executions$/, handle: startExecution },
  { method: 'GET', pattern: /^\/executions\/([^/]+)\/events$/, handle: readEvents },
  { method: 'POST', pattern: /^\/executions\/([^/]+)\/interrupt$/, handle: interrupt },
  { method: 'POST', pattern: /^\/executions\/([^/]+)\/stdin$/, handle: writeStdin },
  { method: 'DELETE', pattern: /^\/executions\/([^/]+)\/spool$/, handle: removeSpool },
  { method: 'POST', pattern: /^\/contexts$/, handle: createContext },
  { method: 'GET', pattern: /^\/contexts$/, handle: listContexts },
  { method: 'GET', pattern: /^\/contexts\/([^/]+)$/, handle: getContext },
  { method: 'POST', pattern: /^\/contexts\/([^/]+)\/restart$/, handle: restartContext },
  { method: 'POST', pattern: /^\/contexts\/([^/]+)\/complete$/, handle: completeCode },
  { method: 'DELETE', pattern: /^\/contexts\/([^/]+)$/, handle: deleteContext },
  { method: 'POST', pattern: /^\/validate$/, handle: validateCode },
  { method: 'PUT', pattern: /^\/deadline$/, handle: setDeadline },
  { method: 'POST', pattern: /^\/drain$/, handle: drain },
  { method: 'GET', pattern: /^\/logs$/, handle: logs },
  { method: 'GET', pattern: /^\/metrics$/, handle: metrics },
  ...PROCESS_ROUTES,
  ...FILE_ROUTES,
];

async function health({ sandbox }: Exchange): Promise<JsonAnswer> {
  const { taskId } = sandbox;
  return ok({
    status: 'ok',
    protocol: AGENT_PROTOCOL,
    ...(taskId === undefined ? {} : { taskId }),
    initialized: sandbox.state.initialized,
  });
}

async function init({ sandbox, initGate, request }: Exchange): Promise<JsonAnswer> {
  const body = parseInput(InitRequest, await initGate.read(request));
  refuseForOther(body.taskId, sandbox.taskId);
  sandbox.state.init(body);
  sandbox.sampler.start();
  return ok({ sandboxId: body.sandboxId, protocol: AGENT_PROTOCOL });
}

/** A private address is given again: what was meant for the task before us is not ours. */
function refuseForOther(meant: string | undefined, own: string | undefined): void {
  if (meant === undefined || own === undefined || meant === own) return;
  throw new AppError('INVALID_SANDBOX_STATE', `this is task ${own}, not ${meant}`);
}

async function startExecution({ sandbox, request }: Exchange): Promise<JsonAnswer> {
  const body = parseInput(StartExecutionRequest, await readJson(request));
  refuseLarge('CODE_TOO_LARGE', 'code', body.code, LIMITS.codeBytes);
  refuseLarge('PAYLOAD_TOO_LARGE', 'stdin', body.stdin ?? '', LIMITS.stdinBytes);
  refuseCwd(body.cwd);
  await sandbox.contexts.ready;
  const execution = sandbox.executions.start(body);
  return { status: 201, body: { executionId: execution.id, status: execution.status } };
}

async function readEvents({ sandbox, response, query, id }: Exchange): Promise<undefined> {
  const { after, epoch, metrics } = parseInput(EventsQuery, {
    after: numberIn(query, 'after'),
    epoch: numberIn(query, 'epoch'),
    metrics: numberIn(query, 'metrics'),
  });
  const execution = sandbox.executions.get(id);
  const attach = (cut: () => void) => sandbox.executions.attach(id, epoch, cut);
  const { keepaliveMs, sampler } = sandbox;
  const measured = metrics === undefined ? {} : { sampler };
  await sendEvents(response, { execution, after, attach, keepaliveMs, ...measured });
}

async function interrupt({ sandbox, id }: Exchange): Promise<JsonAnswer> {
  const interrupted = sandbox.executions.interrupt(id);
  return { status: 202, body: { executionId: id, interrupted } };
}

async function writeStdin({ sandbox, request, id }: Exchange): Promise<JsonAnswer> {
  const part = parseInput(StdinPart, await readJson(request));
  refuseLarge('PAYLOAD_TOO_LARGE', 'text', part.text, LIMITS.stdinBytes);
  const nextSeq = sandbox.executions.writeStdin(id, part);
  return { status: 202, body: { executionId: id, nextSeq } };
}

async function removeSpool({ sandbox, id }: Exchange): Promise<JsonAnswer> {
  await sandbox.executions.removeSpool(id);
  return { status: 204 };
}

async function setDeadline({ sandbox, request }: Exchange): Promise<JsonAnswer> {
  const body = parseInput(DeadlineRequest, await readJson(request));
  sandbox.state.setDeadline(body.expiresAt);
  return ok(body);
}

async function drain({ sandbox }: Exchange): Promise<JsonAnswer> {
  return ok(await sandbox.drain());
}

async function metrics({ sandbox, query }: Exchange): Promise<JsonAnswer> {
  const { fromMs, toMs } = parseInput(SamplesQuery, {
    fromMs: numberIn(query, 'fromMs'),
    toMs: numberIn(query, 'toMs'),
  });
  return ok({ items: sandbox.sampler.between(fromMs, toMs) });
}

async function logs({ sandbox }: Exchange): Promise<JsonAnswer> {
  return ok({ lines: sandbox.log.lines });
}
