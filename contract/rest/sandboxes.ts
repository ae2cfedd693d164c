/** Sandboxes over REST: create, list, read, change, terminate. */
import * as z from 'zod/mini';
import { UserEnv } from '../agent/protocol.ts';
import { SandboxId } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { RuntimeName } from '../runtimes.ts';
import { operation, Page, pageOf } from './operation.ts';

export const SANDBOX_STATUSES = [
  'creating',
  'running',
  'executing',
  'stopping',
  'stopped',
  'failed',
] as const;
export const END_REASONS = [
  'terminated',
  'expired',
  'task_died',
  'init_timeout',
  'launch_failed',
  'host_restarted',
] as const;
export const EndReason = z.enum(END_REASONS);
export type EndReason = z.infer<typeof EndReason>;

const Metadata = z
  .record(
    z.string().check(z.regex(/^[A-Za-z0-9_.-]{1,64}$/, 'must be 1 to 64 of [A-Za-z0-9_.-]')),
    z.string().check(z.maxLength(LIMITS.metadataValueChars)),
  )
  .check(
    z.refine(
      (entries) => Object.keys(entries).length <= LIMITS.metadataEntries,
      `must have at most ${LIMITS.metadataEntries} entries`,
    ),
  );
const Name = z.string().check(z.minLength(1), z.maxLength(LIMITS.nameChars));
const LifetimeMs = z
  .int()
  .check(z.minimum(LIMITS.lifetimeMs.min), z.maximum(LIMITS.lifetimeMs.max));
export const NetworkAccess = z.enum(['none', 'internet']);
export type NetworkAccess = z.infer<typeof NetworkAccess>;

/** What may be asked for; both are snapped up to a pair that Fargate sells. */
const Resources = z.strictObject({
  cpu: z.optional(z.number().check(z.positive(), z.maximum(LIMITS.cpu.max))),
  memoryMb: z.optional(z.int().check(z.positive(), z.maximum(LIMITS.memoryMb.max))),
  diskGb: z.optional(
    z
      .int()
      .check(
        z.refine(
          (gb) =>
            gb === LIMITS.diskGb.default || (gb >= LIMITS.diskGb.min && gb <= LIMITS.diskGb.max),
          `must be ${LIMITS.diskGb.default}, or ${LIMITS.diskGb.min} to ${LIMITS.diskGb.max}`,
        ),
      ),
  ),
});
export type Resources = z.infer<typeof Resources>;

export const Sandbox = z.object({
  id: SandboxId,
  /** `executing` is running with executions in flight. */
  status: z.enum(SANDBOX_STATUSES),
  runtime: RuntimeName,
  resources: z.object({ cpu: z.number(), memoryMb: z.int(), diskGb: z.int() }),
  network: z.object({ access: NetworkAccess }),
  name: z.optional(z.string()),
  metadata: z.record(z.string(), z.string()),
  createdAt: z.iso.datetime(),
  startedAt: z.optional(z.iso.datetime()),
  expiresAt: z.iso.datetime(),
  stoppedAt: z.optional(z.iso.datetime()),
  endReason: z.optional(EndReason),
  runningExecutions: z.int(),
  /** Of one that is being launched: an estimate, not a promise. */
  estimatedReadyAt: z.optional(z.iso.datetime()),
});
export type Sandbox = z.infer<typeof Sandbox>;

export const CreateSandboxBody = z.strictObject({
  runtime: RuntimeName,
  resources: z.optional(Resources),
  lifetimeMs: z.optional(LifetimeMs),
  env: z.optional(UserEnv),
  metadata: z.optional(Metadata),
  network: z.optional(z.strictObject({ access: NetworkAccess })),
  name: z.optional(Name),
});
export type CreateSandboxBody = z.infer<typeof CreateSandboxBody>;

export const UpdateSandboxBody = z
  .strictObject({
    /** The new expiry counts from now. */
    lifetimeMs: z.optional(LifetimeMs),
    /** Takes the place of what was there. */
    metadata: z.optional(Metadata),
    name: z.optional(Name),
  })
  .check(
    z.refine(
      (body) => Object.keys(body).length > 0,
      'must name what to change: lifetimeMs, metadata or name',
    ),
  );
export type UpdateSandboxBody = z.infer<typeof UpdateSandboxBody>;

const SandboxPath = z.strictObject({ sandboxId: SandboxId });

export const sandboxOperations = {
  createSandbox: operation({
    method: 'POST',
    path: '/sandboxes',
    role: 'developer',
    summary:
      'Create a sandbox: 201 from a warm pool, else 202 and it runs about `estimatedReadyAt`',
    headers: ['Idempotency-Key'],
    body: CreateSandboxBody,
    answers: { 201: Sandbox, 202: Sandbox },
    errors: [
      'CAPACITY_UNAVAILABLE',
      'RESOURCE_LIMIT_ERROR',
      'NOT_SUPPORTED',
      'IDEMPOTENCY_CONFLICT',
    ],
  }),
  listSandboxes: operation({
    method: 'GET',
    path: '/sandboxes',
    role: 'viewer',
    summary: 'List sandboxes, newest first; `metadata.K=V` narrows by metadata',
    query: z.catchall(
      z.object({
        ...Page.shape,
        status: z.optional(z.enum(SANDBOX_STATUSES)),
        runtime: z.optional(RuntimeName),
      }),
      z.string(),
    ),
    answers: { 200: pageOf(Sandbox) },
    errors: [],
  }),
  getSandbox: operation({
    method: 'GET',
    path: '/sandboxes/{sandboxId}',
    role: 'viewer',
    summary: 'Read a sandbox',
    params: SandboxPath,
    answers: { 200: Sandbox },
    errors: ['SANDBOX_NOT_FOUND'],
  }),
  updateSandbox: operation({
    method: 'PATCH',
    path: '/sandboxes/{sandboxId}',
    role: 'developer',
    summary: 'Extend or shorten a life, rename, replace the metadata',
    params: SandboxPath,
    body: UpdateSandboxBody,
    answers: { 200: Sandbox },
    errors: ['SANDBOX_NOT_FOUND', 'SANDBOX_GONE', 'INVALID_SANDBOX_STATE', 'AGENT_UNREACHABLE'],
  }),
  terminateSandbox: operation({
    method: 'DELETE',
    path: '/sandboxes/{sandboxId}',
    role: 'developer',
    summary: 'End a sandbox; again, the same answer',
    params: SandboxPath,
    answers: { 202: Sandbox },
    errors: ['SANDBOX_NOT_FOUND'],
  }),
};
