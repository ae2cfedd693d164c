/** Contexts over REST: named interpreter states, each with its own variables and its own queue. */
import * as z from 'zod/mini';
import { CompleteRequest, Completion } from '../agent/completion.ts';
import { AgentContext } from '../agent/contexts.ts';
import { UserEnv } from '../agent/protocol.ts';
import { ValidateRequest, Validation } from '../agent/validation.ts';
import { ContextId, SandboxId } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { Language } from '../runtimes.ts';
import { Nothing, operation } from './operation.ts';

export const Context = AgentContext;
export type Context = z.infer<typeof Context>;

export const CreateContextBody = z.strictObject({
  language: Language,
  /** Where its runs begin; relative to the workspace. */
  cwd: z.optional(z.string().check(z.minLength(1), z.maxLength(LIMITS.pathBytes))),
  /** Over the sandbox's own, for all of its runs. It is not shown again. */
  env: z.optional(UserEnv),
});
export type CreateContextBody = z.infer<typeof CreateContextBody>;

const SandboxPath = z.strictObject({ sandboxId: SandboxId });
const ContextPath = z.strictObject({ sandboxId: SandboxId, contextId: ContextId });
const SANDBOX_ERRORS = [
  'SANDBOX_NOT_FOUND',
  'SANDBOX_GONE',
  'INVALID_SANDBOX_STATE',
  'AGENT_UNREACHABLE',
] as const;

export const contextOperations = {
  createContext: operation({
    method: 'POST',
    path: '/sandboxes/{sandboxId}/contexts',
    role: 'developer',
    summary: 'Make a context; its interpreter starts at once',
    params: SandboxPath,
    body: CreateContextBody,
    answers: { 201: Context },
    errors: [...SANDBOX_ERRORS, 'RESOURCE_LIMIT_ERROR', 'NOT_SUPPORTED', 'IDEMPOTENCY_CONFLICT'],
  }),
  listContexts: operation({
    method: 'GET',
    path: '/sandboxes/{sandboxId}/contexts',
    role: 'viewer',
    summary: 'List the contexts of a sandbox, with those that its languages have by themselves',
    params: SandboxPath,
    answers: { 200: z.object({ items: z.array(Context) }) },
    errors: SANDBOX_ERRORS,
  }),
  deleteContext: operation({
    method: 'DELETE',
    path: '/sandboxes/{sandboxId}/contexts/{contextId}',
    role: 'developer',
    summary: 'Delete a context; what runs or waits in it ends as killed',
    params: ContextPath,
    answers: { 204: Nothing },
    errors: [...SANDBOX_ERRORS, 'CONTEXT_NOT_FOUND'],
  }),
  restartContext: operation({
    method: 'POST',
    path: '/sandboxes/{sandboxId}/contexts/{contextId}/restart',
    role: 'developer',
    summary: 'Give a context a fresh interpreter; what runs or waits in it ends as killed',
    params: ContextPath,
    answers: { 200: Context },
    errors: [...SANDBOX_ERRORS, 'CONTEXT_NOT_FOUND'],
  }),
  completeCode: operation({
    method: 'POST',
    path: '/sandboxes/{sandboxId}/contexts/{contextId}/complete',
    role: 'developer',
    summary:
      'Say what could stand at a place in code, by the names that the context knows. Not while it runs something: INVALID_SANDBOX_STATE',
    params: ContextPath,
    body: CompleteRequest,
    answers: { 200: Completion },
    errors: [
      ...SANDBOX_ERRORS,
      'CONTEXT_NOT_FOUND',
      'CODE_TOO_LARGE',
      'RESOURCE_LIMIT_ERROR',
      'DEADLINE_EXCEEDED',
    ],
  }),
  validateCode: operation({
    method: 'POST',
    path: '/sandboxes/{sandboxId}/validate',
    role: 'developer',
    summary: 'Say whether code is well formed, and where it is not; none of it runs',
    params: SandboxPath,
    body: ValidateRequest,
    answers: { 200: Validation },
    errors: [
      ...SANDBOX_ERRORS,
      'CODE_TOO_LARGE',
      'NOT_SUPPORTED',
      'RESOURCE_LIMIT_ERROR',
      'DEADLINE_EXCEEDED',
    ],
  }),
};
