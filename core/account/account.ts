/**
 * Tenants and their keys. A key's secret is shown once; the table keeps its SHA-256. The first key
 * of a deployment comes from a direct, IAM-authorised invoke: there is no public route to it.
 */
import { AppError } from '../../contract/errors.ts';
import type { KeyId, TenantId } from '../../contract/ids.ts';
import type { Role } from '../../contract/rest/operation.ts';
import type { Clock, Digest, Ids } from '../ports.ts';
import type { Caller, CallerLimits } from './caller.ts';

export interface Tenant {
  readonly id: TenantId;
  readonly name: string;
  readonly createdAt: string;
}

export interface ApiKey {
  readonly id: KeyId;
  readonly tenantId: TenantId;
  readonly sha256: string;
  readonly role: Role;
  readonly name: string;
  readonly createdAt: string;
  readonly revokedAt?: string;
}

export interface AccountStore {
  /** One transaction: both or neither. */
  createTenant(tenant: Tenant, firstKey: ApiKey): Promise<void>;
  getTenant(id: TenantId): Promise<Tenant | undefined>;
  createKey(key: ApiKey): Promise<void>;
  keyBySha256(sha256: string): Promise<ApiKey | undefined>;
  /** Undefined when the tenant has no such key; repeating keeps the first instant. */
  revokeKey(tenantId: TenantId, id: KeyId, at: string): Promise<ApiKey | undefined>;
}

export interface AccountDeps {
  readonly accounts: AccountStore;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly digest: Digest;
}

export interface NewKey {
  readonly tenantId: TenantId;
  readonly keyId: KeyId;
  readonly role: Role;
  /** The secret, shown this once. */
  readonly apiKey: string;
}

export async function createTenant(deps: AccountDeps, input: { name: string }): Promise<NewKey> {
  const createdAt = deps.clock.iso(deps.clock.nowMs());
  const tenant = { id: deps.ids.tenant(), name: input.name, createdAt };
  const { key, secret } = makeKey(deps, { tenantId: tenant.id, role: 'admin', name: 'first key' });
  await deps.accounts.createTenant(tenant, key);
  return shown(key, secret);
}

export async function createKey(
  deps: AccountDeps,
  input: { tenantId: TenantId; role: Role; name: string },
): Promise<NewKey> {
  if (!(await deps.accounts.getTenant(input.tenantId))) {
    throw new AppError('NOT_FOUND', `There is no tenant ${input.tenantId}.`, {
      details: { tenantId: input.tenantId },
    });
  }
  const { key, secret } = makeKey(deps, input);
  await deps.accounts.createKey(key);
  return shown(key, secret);
}

export async function revokeKey(
  deps: AccountDeps,
  input: { tenantId: TenantId; keyId: KeyId },
): Promise<{ keyId: KeyId; revokedAt: string }> {
  const at = deps.clock.iso(deps.clock.nowMs());
  const key = await deps.accounts.revokeKey(input.tenantId, input.keyId, at);
  if (!key) {
    throw new AppError('NOT_FOUND', `Tenant ${input.tenantId} has no key ${input.keyId}.`, {
      details: { keyId: input.keyId },
    });
  }
  return { keyId: key.id, revokedAt: key.revokedAt ?? at };
}

/** Undefined for a key that is unknown or revoked: the two look the same from outside. */
export async function callerOf(
  deps: Pick<AccountDeps, 'accounts' | 'digest'> & { readonly limits: CallerLimits },
  secret: string,
): Promise<Caller | undefined> {
  const key = await deps.accounts.keyBySha256(deps.digest.sha256(secret));
  if (!key || key.revokedAt) return undefined;
  return { tenantId: key.tenantId, keyId: key.id, role: key.role, limits: deps.limits };
}

function makeKey(deps: AccountDeps, input: { tenantId: TenantId; role: Role; name: string }) {
  const secret = deps.ids.apiKey();
  const key: ApiKey = {
    id: deps.ids.key(),
    tenantId: input.tenantId,
    sha256: deps.digest.sha256(secret),
    role: input.role,
    name: input.name,
    createdAt: deps.clock.iso(deps.clock.nowMs()),
  };
  return { key, secret };
}

const shown = (key: ApiKey, secret: string): NewKey => ({
  tenantId: key.tenantId,
  keyId: key.id,
  role: key.role,
  apiKey: secret,
});
