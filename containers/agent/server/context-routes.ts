/** The routes of contexts: what each parses, does and answers. */
import { CompleteRequest } from '../../../contract/agent/completion.ts';
import { CreateContextRequest } from '../../../contract/agent/contexts.ts';
import { ValidateRequest } from '../../../contract/agent/validation.ts';
import { AppError } from '../../../contract/errors.ts';
import { LIMITS } from '../../../contract/limits.ts';
import { readJson } from './body.ts';
import { parseInput, refuseLarge } from './problems.ts';
import type { Exchange, JsonAnswer } from './route.ts';

export async function createContext({ sandbox, request }: Exchange): Promise<JsonAnswer> {
  const body = parseInput(CreateContextRequest, await readJson(request));
  refuseCwd(body.cwd);
  await sandbox.contexts.ready;
  return { status: 201, body: sandbox.contexts.create(body) };
}

export async function listContexts({ sandbox }: Exchange): Promise<JsonAnswer> {
  return { status: 200, body: { items: sandbox.contexts.list() } };
}

export async function getContext({ sandbox, id }: Exchange): Promise<JsonAnswer> {
  return { status: 200, body: sandbox.contexts.get(id).describe() };
}

export async function restartContext({ sandbox, id }: Exchange): Promise<JsonAnswer> {
  return { status: 200, body: await sandbox.contexts.restart(id) };
}

export async function deleteContext({ sandbox, id }: Exchange): Promise<JsonAnswer> {
  await sandbox.contexts.delete(id);
  return { status: 204 };
}

export async function completeCode({ sandbox, request, id }: Exchange): Promise<JsonAnswer> {
  const body = parseInput(CompleteRequest, await readJson(request));
  refuseLarge('CODE_TOO_LARGE', 'code', body.code, LIMITS.codeBytes);
  return { status: 200, body: await sandbox.contexts.complete(id, body) };
}

export async function validateCode({ sandbox, request }: Exchange): Promise<JsonAnswer> {
  const body = parseInput(ValidateRequest, await readJson(request));
  refuseLarge('CODE_TOO_LARGE', 'code', body.code, LIMITS.codeBytes);
  return { status: 200, body: await sandbox.validator.validate(body) };
}

/** Also of an execution, which takes its directory by the same rule. */
export function refuseCwd(cwd: string | undefined): void {
  if (cwd === undefined) return;
  if (cwd.includes('\0') || cwd === '' || Buffer.byteLength(cwd) > LIMITS.pathBytes)
    throw new AppError(
      'VALIDATION_ERROR',
      `cwd: must be a path of 1 to ${LIMITS.pathBytes} bytes without NUL`,
      { details: { field: 'cwd', allowed: `1 to ${LIMITS.pathBytes} bytes without NUL` } },
    );
}
