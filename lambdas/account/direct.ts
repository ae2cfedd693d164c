/**
 * Tenants and keys by direct, IAM-authorised invoke: the way to the first key of a deployment.
 * Whoever may invoke it owns the account it runs in, and so may do what an operator may.
 */
import * as z from 'zod/mini';
import { AppError } from '../../contract/errors.ts';
import { KeyId, TenantId } from '../../contract/ids.ts';
import { LIMITS } from '../../contract/limits.ts';
import { parse } from '../../contract/parse.ts';
import { KeyWithSecret, TenantLimits } from '../../contract/rest/account.ts';
import { ROLES } from '../../contract/rest/operation.ts';
import { createKey, listKeys, revokeKey, rotateKey } from '../../core/account/keys.ts';
import { tenantNotFound } from '../../core/account/tenant.ts';
import { createTenant, listTenants } from '../../core/account/tenants.ts';
import type { AccountDeps } from './wire.ts';

const Name = z.string().check(z.minLength(1), z.maxLength(LIMITS.nameChars));

const Page = { cursor: z.optional(z.string()) };

const Request = z.discriminatedUnion('action', [
  z.strictObject({
    action: z.literal('createTenant'),
    name: Name,
    role: z.optional(z.enum(['admin', 'operator'])),
    limits: z.optional(TenantLimits),
  }),
  z.strictObject({
    action: z.literal('createKey'),
    tenantId: TenantId,
    role: z.enum(ROLES),
    name: Name,
    expiresAt: z.optional(z.iso.datetime()),
  }),
  z.strictObject({ action: z.literal('revokeKey'), tenantId: TenantId, keyId: KeyId }),
  z.strictObject({
    action: z.literal('rotateKey'),
    tenantId: TenantId,
    keyId: KeyId,
    graceMs: z.optional(z.int().check(z.minimum(0), z.maximum(LIMITS.rotationGraceMs))),
  }),
  z.strictObject({ action: z.literal('listKeys'), tenantId: TenantId, ...Page }),
  z.strictObject({ action: z.literal('listTenants'), ...Page }),
]);
type Request = z.infer<typeof Request>;

export async function answerDirect(deps: AccountDeps, event: unknown) {
  try {
    return { success: true, data: await run(deps, parse(Request, event, 'event')) };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return {
      success: false,
      error: { code: error.code, message: error.message, details: error.details },
    };
  }
}

async function run(deps: AccountDeps, request: Request) {
  switch (request.action) {
    case 'createTenant':
      return shown((await createTenant(deps, request)).key);
    case 'listTenants':
      return listTenants(deps, request);
    default:
      return runOnKeys(deps, request);
  }
}

async function runOnKeys(deps: AccountDeps, request: Extract<Request, { tenantId: TenantId }>) {
  const owner = { tenantId: request.tenantId, role: 'operator' } as const;
  if (!(await deps.accounts.getTenant(owner.tenantId))) throw tenantNotFound(owner.tenantId);
  switch (request.action) {
    case 'createKey':
      return shown(await createKey(deps, request, owner));
    case 'rotateKey':
      return shown(await rotateKey(deps, request, owner));
    case 'listKeys':
      return listKeys(deps, request, owner);
    case 'revokeKey': {
      const { id, revokedAt } = await revokeKey(deps, request, owner);
      return { keyId: id, revokedAt };
    }
  }
}

const shown = (key: unknown) => {
  const { tenantId, id, role, apiKey } = KeyWithSecret.parse(key);
  return { tenantId, keyId: id, role, apiKey };
};
