/**
 * Make, list, revoke and rotate the keys of a tenant. Nobody gives or touches a role above their
 * own; a tenant is never left without a key that can make keys, unless an operator wills it.
 */
import { AppError } from '../../contract/errors.ts';
import { KeyId, type TenantId } from '../../contract/ids.ts';
import { LIMITS } from '../../contract/limits.ts';
import type { Key, KeyWithSecret } from '../../contract/rest/account.ts';
import type { Role } from '../../contract/rest/operation.ts';
import type { Clock, Digest, Ids } from '../ports.ts';
import type { ConnectionStore } from '../socket/connection.ts';
import type { AccountStore } from './account-store.ts';
import { type ApiKey, newKey, newSecret, toKey } from './api-key.ts';
import type { Caller } from './caller.ts';
import {
  claimFor,
  earlierResult,
  type IdempotencyKey,
  type IdempotencyStore,
} from './idempotency.ts';
import { assertRole } from './roles.ts';
import { tenantNotFound } from './tenant.ts';

export interface KeyDeps {
  readonly accounts: AccountStore;
  readonly idempotency: IdempotencyStore;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly digest: Digest;
  readonly sockets: Pick<ConnectionStore, 'removeOfKey'>;
}

/** Whoever keeps keys: a caller, or the owner of the AWS account by a direct invoke. */
export type KeyKeeper = Pick<Caller, 'tenantId' | 'role'>;

/** Another tenant's keys are an operator's business. */
interface OfTenant {
  readonly tenantId?: TenantId | undefined;
}

export interface WantedKey extends OfTenant {
  readonly name: string;
  readonly role: Role;
  readonly expiresAt?: string | undefined;
  readonly asked?: IdempotencyKey | undefined;
}

const ROTATE_TRIES = 3;

/** With the secret for whoever made it; a repeat gets the key without it. */
export async function createKey(
  deps: KeyDeps,
  wanted: WantedKey,
  keeper: KeyKeeper,
): Promise<KeyWithSecret | Key> {
  assertRole(keeper.role, wanted.role);
  const tenantId = await tenantOf(deps, wanted, keeper);
  const expiresAt = futureInstant(deps.clock, wanted.expiresAt);
  const { secret, sha256 } = newSecret(deps);
  const { name, role, asked } = wanted;
  const key = newKey(deps, { tenantId, name, role, sha256, expiresAt });
  const claim = asked && claimFor(deps.clock, asked, { tenantId, resultId: key.id });
  if (await deps.accounts.createKey(key, claim)) {
    return { ...toKey(key, key.createdAt), apiKey: secret };
  }
  const earlier = asked && (await earlierResult(deps, asked, tenantId));
  return toKey(await keyOf(deps, tenantId, KeyId.parse(earlier)), key.createdAt);
}

export async function listKeys(
  deps: KeyDeps,
  page: OfTenant & { limit?: number | undefined; cursor?: string | undefined },
  keeper: KeyKeeper,
): Promise<{ items: Key[]; nextCursor: string | null }> {
  const tenantId = await tenantOf(deps, page, keeper);
  const { items, cursor } = await deps.accounts.listKeys(tenantId, {
    limit: page.limit ?? LIMITS.pageSize.default,
    cursor: page.cursor,
  });
  const now = deps.clock.iso(deps.clock.nowMs());
  return { items: items.map((key) => toKey(key, now)), nextCursor: cursor };
}

/** Again, the same answer. What its open connections had subscribed to ends. */
export async function revokeKey(
  deps: KeyDeps,
  wanted: OfTenant & { keyId: KeyId },
  keeper: KeyKeeper,
): Promise<Key> {
  const tenantId = await tenantOf(deps, wanted, keeper);
  const key = await keyOf(deps, tenantId, wanted.keyId);
  assertRole(keeper.role, key.role);
  const at = deps.clock.iso(deps.clock.nowMs());
  const outcome = await deps.accounts.revokeKey(key, at, { evenLast: keeper.role === 'operator' });
  if (outcome === 'last') throw lastKey(key);
  await deps.sockets.removeOfKey(tenantId, key.id);
  if (outcome === 'revoked') return toKey({ ...key, revokedAt: at }, at);
  return toKey(await keyOf(deps, tenantId, key.id), at);
}

/** A new secret for the same key at once; the old one works for `graceMs` more. */
export async function rotateKey(
  deps: KeyDeps,
  wanted: OfTenant & { keyId: KeyId; graceMs?: number | undefined },
  keeper: KeyKeeper,
): Promise<KeyWithSecret> {
  const tenantId = await tenantOf(deps, wanted, keeper);
  const { secret, sha256 } = newSecret(deps);
  for (let tries = 1; ; tries++) {
    const key = await keyOf(deps, tenantId, wanted.keyId);
    const nowMs = deps.clock.nowMs();
    const at = deps.clock.iso(nowMs);
    assertRole(keeper.role, key.role);
    assertAlive(key, at);
    const previousUntil = deps.clock.iso(nowMs + (wanted.graceMs ?? 0));
    if (await deps.accounts.rotateKey(key, { sha256, at, previousUntil })) {
      const previous = { sha256: key.sha256, until: previousUntil };
      return { ...toKey({ ...key, sha256, rotatedAt: at, previous }, at), apiKey: secret };
    }
    if (tries === ROTATE_TRIES) throw new Error(`key ${key.id} is rotated by others all the time`);
  }
}

async function tenantOf(
  deps: KeyDeps,
  { tenantId }: OfTenant,
  keeper: KeyKeeper,
): Promise<TenantId> {
  if (tenantId === undefined || tenantId === keeper.tenantId) return keeper.tenantId;
  assertRole(keeper.role, 'operator');
  if (!(await deps.accounts.getTenant(tenantId))) throw tenantNotFound(tenantId);
  return tenantId;
}

async function keyOf(deps: KeyDeps, tenantId: TenantId, keyId: KeyId): Promise<ApiKey> {
  const key = await deps.accounts.getKey(tenantId, keyId);
  if (key) return key;
  throw new AppError('NOT_FOUND', `Tenant ${tenantId} has no key ${keyId}.`, {
    details: { keyId },
  });
}

function assertAlive(key: ApiKey, now: string): void {
  const ended =
    key.revokedAt ?? (key.expiresAt && key.expiresAt <= now ? key.expiresAt : undefined);
  if (ended === undefined) return;
  const problem = `must be a key that works; ${key.id} ended at ${ended}. Create another key.`;
  throw new AppError('VALIDATION_ERROR', `path: keyId ${problem}`, {
    details: { in: 'path', problems: [{ field: 'keyId', problem }] },
  });
}

const lastKey = ({ id, role }: ApiKey): AppError =>
  new AppError(
    'PERMISSION_DENIED',
    `Key ${id} (${role}) is the last of its tenant that can make keys and does not expire. Create another admin key first, or ask an operator.`,
    { details: { keyId: id } },
  );

/** As we write instants, which are compared as text. */
function futureInstant(clock: Clock, instant: string | undefined): string | undefined {
  if (instant === undefined) return undefined;
  const expiresMs = clock.msOf(instant);
  if (expiresMs > clock.nowMs()) return clock.iso(expiresMs);
  const problem = `must be in the future, got ${JSON.stringify(instant)}`;
  throw new AppError('VALIDATION_ERROR', `body: expiresAt ${problem}`, {
    details: { in: 'body', problems: [{ field: 'expiresAt', problem }] },
  });
}
