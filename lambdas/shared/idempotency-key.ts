/** The header `Idempotency-Key`, and what the request stands for: its path and its body. */
import { AppError } from '../../contract/errors.ts';
import type { OperationId } from '../../contract/operations.ts';
import { type IdempotencyKey, requestSha256 } from '../../core/account/idempotency.ts';
import { digest } from './system.ts';

const PROBLEM = 'must be 1 to 255 visible ASCII characters, without spaces';

/** Undefined where the caller sent none. */
export function idempotencyKeyOf(
  operation: OperationId,
  request: {
    readonly params: unknown;
    readonly body: unknown;
    header(name: string): string | undefined;
  },
): IdempotencyKey | undefined {
  const key = request.header('idempotency-key');
  if (key === undefined) return undefined;
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw new AppError(
      'VALIDATION_ERROR',
      `header: Idempotency-Key ${PROBLEM}, got ${key.length} characters`,
      { details: { in: 'header', problems: [{ field: 'Idempotency-Key', problem: PROBLEM }] } },
    );
  }
  const { params, body } = request;
  return { operation, key, bodySha256: requestSha256(digest, { params, body }) };
}
