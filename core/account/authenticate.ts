/** A secret's hash → its caller. Unknown, expired and revoked look the same from outside. */
import type { KeyId, TenantId } from '../../contract/ids.ts';
import type { Clock } from '../ports.ts';
import type { AccountStore } from './account-store.ts';
import { validity } from './api-key.ts';
import type { Caller, CallerLimits } from './caller.ts';
import type { PauseStore } from './pause.ts';

export interface AuthenticateDeps {
  readonly accounts: Pick<AccountStore, 'ownerOf' | 'getKey' | 'getTenant'>;
  readonly pauses: Pick<PauseStore, 'get'>;
  readonly clock: Clock;
  /** Of tenants that have none of their own. */
  readonly limits: CallerLimits;
}

export interface Authenticated {
  readonly caller: Caller;
  /** What is said of the caller holds until then; `always` where nothing ends it. */
  readonly validUntil: string;
}

/** By the SHA-256 of a secret. */
export async function authenticate(
  deps: AuthenticateDeps,
  sha256: string,
): Promise<Authenticated | undefined> {
  const owner = await deps.accounts.ownerOf(sha256);
  return owner && callerOfKey(deps, owner, sha256);
}

/** Of a key that works now; with the hash of a secret, only if that one does. */
export async function callerOfKey(
  deps: AuthenticateDeps,
  { tenantId, keyId }: { tenantId: TenantId; keyId: KeyId },
  sha256?: string,
): Promise<Authenticated | undefined> {
  const [key, tenant, pause] = await Promise.all([
    deps.accounts.getKey(tenantId, keyId),
    deps.accounts.getTenant(tenantId),
    deps.pauses.get(),
  ]);
  if (!key || !tenant) return undefined;
  const now = deps.clock.iso(deps.clock.nowMs());
  const validUntil = validity(key, sha256 ?? key.sha256, now);
  if (validUntil === undefined) return undefined;
  const limits = { ...deps.limits, ...tenant.limits };
  const caller = { tenantId, keyId, role: key.role, limits };
  // A pause is not remembered: it ends when it is ended.
  return pause ? { caller: { ...caller, ...pause }, validUntil: now } : { caller, validUntil };
}
