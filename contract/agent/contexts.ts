/**
 * The agent's routes for contexts: `POST /contexts`, `GET /contexts`, `GET /contexts/{id}`,
 * `POST /contexts/{id}/restart` and `DELETE /contexts/{id}`. A context is a named interpreter state.
 */
import * as z from 'zod/mini';
import { ContextId } from '../ids.ts';
import { Language } from '../runtimes.ts';
import { UserEnv } from './protocol.ts';

/** `dead`: its interpreter has ended, and the next run gets a fresh one. */
const ContextStatus = z.enum(['idle', 'busy', 'dead']);

/** The same id and body again answers the same; another body under its id is 409. */
export const CreateContextRequest = z.strictObject({
  contextId: ContextId,
  language: Language,
  /** Where its runs begin; relative to the workspace. */
  cwd: z.optional(z.string()),
  env: z.optional(UserEnv),
});
export type CreateContextRequest = z.infer<typeof CreateContextRequest>;

/** What its environment holds is not told: it may be secret. */
export const AgentContext = z.object({
  id: ContextId,
  language: Language,
  /** Made by itself for the runs of its language that name no context. */
  isDefault: z.boolean(),
  cwd: z.optional(z.string()),
  createdAt: z.iso.datetime(),
  status: ContextStatus,
  /** Runs that its present interpreter has begun. */
  executionCount: z.int(),
  /** Executions that wait for it. */
  queued: z.int(),
});
export type AgentContext = z.infer<typeof AgentContext>;
