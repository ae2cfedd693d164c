/**
 * Claims on idempotency keys in the state table. A claim is never written alone: it is one item of
 * the transaction that makes the thing.
 */
import { TenantId } from '../../contract/ids.ts';
import type { OperationId } from '../../contract/operations.ts';
import type { IdempotencyClaim, IdempotencyStore } from '../../core/account/idempotency.ts';
import type { StateService } from './entities.ts';
import type { TransactItem } from './transact.ts';

export function dynamoIdempotencyStore(state: StateService): IdempotencyStore {
  return {
    async find(tenantId, operation, key) {
      const { data } = await state.entities.idempotency
        .get({ tenantId, operation, key })
        .go({ consistent: true });
      if (!data) return undefined;
      const { ttl: _, ...claim } = data;
      return {
        ...claim,
        tenantId: TenantId.parse(data.tenantId),
        operation: data.operation as OperationId,
      };
    },
  };
}

/** Fails where the key is held by a claim that has not expired at `now`. */
export function claimIdempotency(
  state: StateService,
  claim: IdempotencyClaim,
  now: string,
): TransactItem {
  const put = state.entities.idempotency
    .put({ ...claim, ttl: Math.ceil(Date.parse(claim.expiresAt) / 1000) })
    .where(
      ({ expiresAt }, { notExists, lte }) => `${notExists(expiresAt)} OR ${lte(expiresAt, now)}`,
    );
  return { Put: put.params() };
}

/** Gives the key back where the thing was undone. */
export function releaseIdempotency(state: StateService, claim: IdempotencyClaim): TransactItem {
  const { tenantId, operation, key } = claim;
  const remove = state.entities.idempotency
    .delete({ tenantId, operation, key })
    .where(({ resultId }, { eq }) => eq(resultId, claim.resultId));
  return { Delete: remove.params() };
}
