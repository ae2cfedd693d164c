/**
 * The caller as the authorizer hands it to every function: API Gateway's flat context of strings.
 * Written and read here, so that the two sides cannot drift.
 */
import * as z from 'zod/mini';
import { AppError } from '../../contract/errors.ts';
import { KeyId, TenantId } from '../../contract/ids.ts';
import { QueryInt, ROLES } from '../../contract/rest/operation.ts';
import type { Caller } from '../../core/account/caller.ts';

/** API Gateway passes everything as text. */
const CallerContext = z.object({
  tenantId: TenantId,
  keyId: KeyId,
  role: z.enum(ROLES),
  liveSandboxes: QueryInt,
  requestsPerSecond: QueryInt,
});

export const toCallerContext = ({ limits, ...who }: Caller): Record<string, string> => ({
  ...who,
  liveSandboxes: String(limits.liveSandboxes),
  requestsPerSecond: String(limits.requestsPerSecond),
});

/** @throws {AppError} UNAUTHENTICATED where no authorizer has let the request in */
export function callerFrom(context: unknown): Caller {
  const parsed = CallerContext.safeParse(context);
  if (!parsed.success) {
    throw new AppError('UNAUTHENTICATED', 'Send a valid API key in X-API-Key.');
  }
  const { liveSandboxes, requestsPerSecond, ...who } = parsed.data;
  return { ...who, limits: { liveSandboxes, requestsPerSecond } };
}
