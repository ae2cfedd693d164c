/**
 * Make and list tenants. The first one of a deployment comes from a direct, IAM-authorised invoke:
 * there is no public route to a first key.
 */

import { LIMITS } from '../../contract/limits.ts';
import type { NewTenant, Tenant as WireTenant } from '../../contract/rest/account.ts';
import type { Role } from '../../contract/rest/operation.ts';
import type { AccountStore } from './account-store.ts';
import { newKey, newSecret, toKey } from './api-key.ts';
import type { CallerLimits } from './caller.ts';
import type { KeyDeps } from './keys.ts';
import { toTenant } from './tenant.ts';

export async function createTenant(
  deps: KeyDeps,
  input: {
    name: string;
    limits?: { [Name in keyof CallerLimits]?: number | undefined } | undefined;
    /** Of its first key. */
    role?: Role | undefined;
  },
): Promise<NewTenant> {
  const now = deps.clock.iso(deps.clock.nowMs());
  const limits = Object.fromEntries(
    Object.entries(input.limits ?? {}).filter(([, value]) => value !== undefined),
  );
  const tenant = { id: deps.ids.tenant(), name: input.name, createdAt: now, limits };
  const { secret, sha256 } = newSecret(deps);
  const role = input.role ?? 'admin';
  const key = newKey(deps, { tenantId: tenant.id, name: 'first key', role, sha256 });
  await deps.accounts.createTenant(tenant, key);
  return { tenant: toTenant(tenant), key: { ...toKey(key, now), apiKey: secret } };
}

export async function listTenants(
  deps: { readonly accounts: AccountStore },
  page: { limit?: number | undefined; cursor?: string | undefined },
): Promise<{ items: WireTenant[]; nextCursor: string | null }> {
  const { items, cursor } = await deps.accounts.listTenants({
    limit: page.limit ?? LIMITS.pageSize.default,
    cursor: page.cursor,
  });
  return { items: items.map(toTenant), nextCursor: cursor };
}
