/**
 * An API key: an id that stays, a role, and a secret that can be rotated. The secret is shown once;
 * the table keeps its SHA-256. After a rotation the secret before may work on for a grace.
 */
import type { KeyId, TenantId } from '../../contract/ids.ts';
import type { Key } from '../../contract/rest/account.ts';
import type { Role } from '../../contract/rest/operation.ts';
import type { Clock, Digest, Ids } from '../ports.ts';
import { managesKeys } from './roles.ts';

export interface ApiKey {
  readonly id: KeyId;
  readonly tenantId: TenantId;
  readonly name: string;
  readonly role: Role;
  readonly createdAt: string;
  readonly expiresAt?: string;
  readonly revokedAt?: string;
  readonly rotatedAt?: string;
  /** Of the secret. */
  readonly sha256: string;
  /** Of the secret before, and until when it works. */
  readonly previous?: { readonly sha256: string; readonly until: string };
}

export interface NewSecret {
  readonly secret: string;
  readonly sha256: string;
}

export function newSecret({ ids, digest }: { ids: Ids; digest: Digest }): NewSecret {
  const secret = ids.apiKey();
  return { secret, sha256: digest.sha256(secret) };
}

export function newKey(
  deps: { clock: Clock; ids: Ids },
  wanted: Pick<ApiKey, 'tenantId' | 'name' | 'role' | 'sha256'> & {
    expiresAt?: string | undefined;
  },
): ApiKey {
  const { tenantId, name, role, sha256, expiresAt } = wanted;
  return {
    id: deps.ids.key(),
    tenantId,
    name,
    role,
    sha256,
    createdAt: deps.clock.iso(deps.clock.nowMs()),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
}

/** Can make keys, and does not lapse by itself: what a tenant must not be left without. */
export const isStanding = (key: ApiKey): boolean =>
  managesKeys(key.role) && key.expiresAt === undefined;

/** Until when this secret of a key works: an instant, `always`, or undefined where it does not. */
export function validity(key: ApiKey, sha256: string, now: string): string | undefined {
  if (key.revokedAt !== undefined) return undefined;
  const ends = [key.expiresAt];
  if (key.sha256 !== sha256) {
    if (key.previous?.sha256 !== sha256) return undefined;
    ends.push(key.previous.until);
  }
  const [first] = ends.filter((end) => end !== undefined).sort();
  if (first === undefined) return 'always';
  return first > now ? first : undefined;
}

/** What its tenant sees of it. Hashes stay inside. */
export function toKey(key: ApiKey, now: string): Key {
  const { sha256: _, previous, ...shown } = key;
  return previous && previous.until > now
    ? { ...shown, previousSecretUntil: previous.until }
    : shown;
}
