/** Accounts over REST: keys, tickets, tenants, usage. */
import * as z from 'zod/mini';
import { KeyId, TenantId } from '../ids.ts';
import { LIMITS } from '../limits.ts';
import { operation, Page, pageOf, ROLES } from './operation.ts';

const Name = z.string().check(z.minLength(1), z.maxLength(LIMITS.nameChars));
const Instant = z.iso.datetime();

export const Key = z.object({
  id: KeyId,
  tenantId: TenantId,
  name: z.string(),
  role: z.enum(ROLES),
  createdAt: Instant,
  expiresAt: z.optional(Instant),
  revokedAt: z.optional(Instant),
  rotatedAt: z.optional(Instant),
  /** After a rotation with a grace: the secret before works until then. */
  previousSecretUntil: z.optional(Instant),
});
export type Key = z.infer<typeof Key>;

export const KeyWithSecret = z.object({
  ...Key.shape,
  /** The secret for `X-API-Key`, shown this once. */
  apiKey: z.string(),
});
export type KeyWithSecret = z.infer<typeof KeyWithSecret>;

export const TenantLimits = z.strictObject({
  /** Sandboxes at a time. */
  liveSandboxes: z.optional(
    z.int().check(z.minimum(1), z.maximum(LIMITS.liveSandboxesPerTenant.max)),
  ),
  /** Of each of its keys. */
  requestsPerSecond: z.optional(
    z.int().check(z.minimum(1), z.maximum(LIMITS.requestsPerSecondPerKey.max)),
  ),
});

export const Tenant = z.object({
  id: TenantId,
  name: z.string(),
  createdAt: Instant,
  /** Where they differ from the deployment's. */
  limits: TenantLimits,
});
export type Tenant = z.infer<typeof Tenant>;

/** A tenant with its first key, an admin's. */
export const NewTenant = z.object({ tenant: Tenant, key: KeyWithSecret });
export type NewTenant = z.infer<typeof NewTenant>;

export const NewTicket = z.object({
  /** For `?ticket=` when the WebSocket connects; good for one connection. */
  ticket: z.string(),
  expiresAt: Instant,
  /** Where the WebSocket is; a path is one of the host that was asked. */
  url: z.string(),
});
export type NewTicket = z.infer<typeof NewTicket>;

const Day = z.iso.date();

/** A key with the days on which something that it had started ended. */
export const Usage = z.object({
  keyId: KeyId,
  keyName: z.string(),
  days: z.array(
    z.object({
      /** In UTC. */
      day: Day,
      executions: z.int(),
      /** Wall time of them together. */
      executionMs: z.int(),
    }),
  ),
});
export type Usage = z.infer<typeof Usage>;

const KeyPath = z.strictObject({ keyId: KeyId });
/** For operators: the keys of another tenant. */
const OfTenant = { tenantId: z.optional(TenantId) };

export const accountOperations = {
  createKey: operation({
    method: 'POST',
    path: '/keys',
    role: 'admin',
    summary:
      'Make a key. Its secret is shown once: a repeat with the same Idempotency-Key is 200 without it',
    query: z.strictObject(OfTenant),
    headers: ['Idempotency-Key'],
    body: z.strictObject({
      name: Name,
      /** At most the caller's own. */
      role: z.enum(ROLES),
      expiresAt: z.optional(Instant),
    }),
    answers: { 201: KeyWithSecret, 200: Key },
    errors: ['NOT_FOUND'],
  }),
  listKeys: operation({
    method: 'GET',
    path: '/keys',
    role: 'admin',
    summary: 'List keys, newest first, also revoked and expired ones',
    query: z.strictObject({ ...Page.shape, ...OfTenant }),
    answers: { 200: pageOf(Key) },
    errors: ['NOT_FOUND'],
  }),
  revokeKey: operation({
    method: 'DELETE',
    path: '/keys/{keyId}',
    role: 'admin',
    summary:
      'Revoke a key: within 10 s it no longer works. The last admin key that does not expire stays, unless an operator revokes it',
    params: KeyPath,
    query: z.strictObject(OfTenant),
    answers: { 200: Key },
    errors: ['NOT_FOUND'],
  }),
  rotateKey: operation({
    method: 'POST',
    path: '/keys/{keyId}/rotate',
    role: 'admin',
    summary: 'Give a key a new secret at once; the old one works for `graceMs` more',
    params: KeyPath,
    query: z.strictObject(OfTenant),
    bodyOptional: true,
    body: z.strictObject({
      graceMs: z.optional(z.int().check(z.minimum(0), z.maximum(LIMITS.rotationGraceMs))),
    }),
    answers: { 200: KeyWithSecret },
    errors: ['NOT_FOUND'],
  }),
  getUsage: operation({
    method: 'GET',
    path: '/usage',
    role: 'admin',
    summary:
      'Read what each key ran, by day: executions that have ended. 30 days unless others are asked for, at most 92',
    query: z.strictObject({ ...Page.shape, from: z.optional(Day), to: z.optional(Day) }),
    answers: { 200: z.object({ from: Day, to: Day, ...pageOf(Usage).shape }) },
    errors: [],
  }),
  createTicket: operation({
    method: 'POST',
    path: '/tickets',
    role: 'viewer',
    summary:
      'Make a ticket for one WebSocket connection within 60 s, for clients that can set no header',
    answers: { 201: NewTicket },
    errors: [],
  }),
  createTenant: operation({
    method: 'POST',
    path: '/tenants',
    role: 'operator',
    summary: 'Make a tenant and its first key',
    body: z.strictObject({ name: Name, limits: z.optional(TenantLimits) }),
    answers: { 201: NewTenant },
    errors: [],
  }),
  listTenants: operation({
    method: 'GET',
    path: '/tenants',
    role: 'operator',
    summary: 'List tenants, newest first',
    query: z.strictObject(Page.shape),
    answers: { 200: pageOf(Tenant) },
    errors: [],
  }),
};
