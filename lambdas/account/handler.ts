/**
 * `account`: tenants and keys by direct, IAM-authorised invoke. It has no route: whoever may invoke
 * it owns the account it runs in.
 */
import * as z from 'zod/mini';
import { AppError } from '../../contract/errors.ts';
import { KeyId, TenantId } from '../../contract/ids.ts';
import { parse } from '../../contract/parse.ts';
import { ROLES } from '../../contract/rest/operation.ts';
import { createKey, createTenant, revokeKey } from '../../core/account/account.ts';
import { documentClient, stateStores } from '../shared/clients.ts';
import { parseEnv } from '../shared/env.ts';
import { clock, digest, ids } from '../shared/system.ts';
import { AccountEnv } from './env.ts';

const env = parseEnv(AccountEnv);
const deps = { ...stateStores(documentClient(), env.STATE_TABLE), clock, ids, digest };

const Name = z.string().check(z.minLength(1), z.maxLength(128));

const Request = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('createTenant'), name: Name }),
  z.strictObject({
    action: z.literal('createKey'),
    tenantId: TenantId,
    role: z.enum(ROLES),
    name: Name,
  }),
  z.strictObject({ action: z.literal('revokeKey'), tenantId: TenantId, keyId: KeyId }),
]);

export async function handler(event: unknown) {
  try {
    const request = parse(Request, event, 'event');
    switch (request.action) {
      case 'createTenant':
        return { success: true, data: await createTenant(deps, request) };
      case 'createKey':
        return { success: true, data: await createKey(deps, request) };
      case 'revokeKey':
        return { success: true, data: await revokeKey(deps, request) };
    }
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return {
      success: false,
      error: { code: error.code, message: error.message, details: error.details },
    };
  }
}
