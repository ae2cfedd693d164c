/**
 * Idempotency: a caller that repeats a request under the same `Idempotency-Key` gets what the first
 * one made. The claim on a key is written in the same transaction as the thing itself, so there is
 * never one without the other. Kept for 24 h; expiry is checked on read.
 */
import { AppError } from '../../contract/errors.ts';
import type { TenantId } from '../../contract/ids.ts';
import { LIMITS } from '../../contract/limits.ts';
import type { OperationId } from '../../contract/operations.ts';
import type { Clock, Digest } from '../ports.ts';

/** A key as a request brings it. */
export interface IdempotencyKey {
  readonly operation: OperationId;
  readonly key: string;
  /** Of what was asked: the path's parameters and the body. */
  readonly bodySha256: string;
}

export interface IdempotencyClaim extends IdempotencyKey {
  readonly tenantId: TenantId;
  /** Id of what was made. */
  readonly resultId: string;
  readonly expiresAt: string;
}

export interface IdempotencyStore {
  /** The claim as it was written, also when it has expired. */
  find(
    tenantId: TenantId,
    operation: OperationId,
    key: string,
  ): Promise<IdempotencyClaim | undefined>;
}

/** The claim to write beside the thing that `resultId` names. */
export function claimFor(
  clock: Clock,
  asked: IdempotencyKey,
  made: { tenantId: TenantId; resultId: string },
): IdempotencyClaim {
  const expiresAt = clock.iso(clock.nowMs() + LIMITS.idempotencyMs);
  return { ...asked, ...made, expiresAt };
}

/**
 * The id of what an earlier request with this key made; undefined where there was none.
 * @throws {AppError} IDEMPOTENCY_CONFLICT when that request asked for something else
 */
export async function earlierResult(
  deps: { readonly idempotency: IdempotencyStore; readonly clock: Clock },
  asked: IdempotencyKey,
  tenantId: TenantId,
): Promise<string | undefined> {
  const claim = await deps.idempotency.find(tenantId, asked.operation, asked.key);
  if (!claim || claim.expiresAt <= deps.clock.iso(deps.clock.nowMs())) return undefined;
  if (claim.bodySha256 === asked.bodySha256) return claim.resultId;
  throw new AppError(
    'IDEMPOTENCY_CONFLICT',
    `header: Idempotency-Key ${JSON.stringify(asked.key)} was used for another ${asked.operation}. Repeat that request as it was, or take a new key.`,
    { details: { idempotencyKey: asked.key, operation: asked.operation } },
  );
}

/** The same for the same request, in whatever order its fields were written. */
export const requestSha256 = (
  digest: Digest,
  request: { params: unknown; body: unknown },
): string => digest.sha256(canonical(request));

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
