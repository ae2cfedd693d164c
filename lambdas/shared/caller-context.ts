/**
 * The caller as the authorizer hands it to every function: API Gateway's flat context of strings.
 * Written and read here, so that the two sides cannot drift.
 *
 * An authorizer can answer 401 and 403 alone. So it lets a key that is too fast pass, with the time
 * that it should wait, and the function behind it refuses with 429 and Retry-After, before it reads
 * anything else.
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
  retryAfterSeconds: z.optional(QueryInt),
  pausedAt: z.optional(z.iso.datetime()),
});

/** @param waitMs above 0 for a key that is too fast */
export const toCallerContext = (
  { limits, pausedAt, ...who }: Caller,
  waitMs: number,
): Record<string, string> => ({
  ...who,
  ...(pausedAt === undefined ? {} : { pausedAt }),
  ...(waitMs > 0 ? { retryAfterSeconds: String(Math.ceil(waitMs / 1_000)) } : {}),
  liveSandboxes: String(limits.liveSandboxes),
  requestsPerSecond: String(limits.requestsPerSecond),
});

/** @throws {AppError} UNAUTHENTICATED where no authorizer has let the request in, RATE_LIMITED */
export function callerFrom(context: unknown): Caller {
  const parsed = CallerContext.safeParse(context);
  if (!parsed.success) {
    throw new AppError('UNAUTHENTICATED', 'Send a valid API key in X-API-Key.');
  }
  const { liveSandboxes, requestsPerSecond, retryAfterSeconds, ...who } = parsed.data;
  if (retryAfterSeconds !== undefined) {
    throw new AppError(
      'RATE_LIMITED',
      `Key ${who.keyId} may make ${requestsPerSecond} requests a second. Try again in ${retryAfterSeconds} s.`,
      {
        details: { keyId: who.keyId, allowed: requestsPerSecond, perSeconds: 1 },
        retryAfterSeconds,
      },
    );
  }
  return { ...who, limits: { liveSandboxes, requestsPerSecond } };
}
