/** Where tenants and keys are kept. */
import type { KeyId, TenantId } from '../../contract/ids.ts';
import type { Page } from '../sandbox/sandbox-store.ts';
import type { ApiKey } from './api-key.ts';
import type { IdempotencyClaim } from './idempotency.ts';
import type { Tenant } from './tenant.ts';

interface PageRequest {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

export interface AccountStore {
  /** One transaction: both or neither. */
  createTenant(tenant: Tenant, firstKey: ApiKey): Promise<void>;
  getTenant(id: TenantId): Promise<Tenant | undefined>;
  /** Newest first. */
  listTenants(page: PageRequest): Promise<Page<Tenant>>;

  /** One transaction, with the claim where there is one. False when its idempotency key is taken. */
  createKey(key: ApiKey, claim?: IdempotencyClaim): Promise<boolean>;
  getKey(tenantId: TenantId, id: KeyId): Promise<ApiKey | undefined>;
  /** Newest first, revoked ones too. */
  listKeys(tenantId: TenantId, page: PageRequest): Promise<Page<ApiKey>>;

  /** Whose secret this is, or was. */
  ownerOf(sha256: string): Promise<{ tenantId: TenantId; keyId: KeyId } | undefined>;

  /**
   * `already` when it was revoked before; `last` when the tenant would be left without a standing
   * key, unless `evenLast`.
   */
  revokeKey(
    key: ApiKey,
    at: string,
    options: { evenLast: boolean },
  ): Promise<'revoked' | 'already' | 'last'>;

  /** The new secret in place of the old one. False when the key has changed meanwhile. */
  rotateKey(key: ApiKey, rotated: Rotation): Promise<boolean>;
}

export interface Rotation {
  readonly sha256: string;
  readonly at: string;
  /** Until when the secret before works; `at` itself for no grace. */
  readonly previousUntil: string;
}
