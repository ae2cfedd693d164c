/**
 * The ids of the platform: a prefix that names the kind and 20 characters of `[a-z0-9]`, so that
 * each is a DNS label. Branded, so that one kind is never passed for another.
 */
import * as z from 'zod/mini';

const id = (prefix: string) =>
  z
    .string()
    .check(
      z.regex(new RegExp(`^${prefix}[a-z0-9]{20}$`), `must be "${prefix}" and 20 of [a-z0-9]`),
    );

export const SandboxId = id('sb').brand<'SandboxId'>();
export const ExecutionId = id('ex').brand<'ExecutionId'>();
/** A named interpreter state; the id of a default one is its agent's. */
export const ContextId = id('cx').brand<'ContextId'>();
export const TenantId = id('tn').brand<'TenantId'>();
export const KeyId = id('ky').brand<'KeyId'>();
/** One RunTask call of ours: its clientToken and `startedBy`. */
export const LaunchId = id('ln').brand<'LaunchId'>();

/** A file on its way into a sandbox, and out of one. */
export const UploadId = id('up').brand<'UploadId'>();
export const DownloadId = id('dl').brand<'DownloadId'>();

export type SandboxId = z.infer<typeof SandboxId>;
export type ExecutionId = z.infer<typeof ExecutionId>;
export type ContextId = z.infer<typeof ContextId>;
export type TenantId = z.infer<typeof TenantId>;
export type KeyId = z.infer<typeof KeyId>;
export type UploadId = z.infer<typeof UploadId>;
export type DownloadId = z.infer<typeof DownloadId>;
export type LaunchId = z.infer<typeof LaunchId>;

/** A ticket for one WebSocket connection; kept as a key is. */
export const TICKET_PATTERN = /^ct_[0-9a-f]{40}$/;
/** An API key's secret. It is shown once; the table keeps its SHA-256. */
export const API_KEY_PATTERN = /^ci_[0-9a-f]{40}$/;
