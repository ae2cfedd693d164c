/** What `account` answers to a direct invoke. */
import * as z from 'zod';
import { Key, Tenant } from '../../contract/rest/account.ts';

export const Answer = z.discriminatedUnion('success', [
  z.object({ success: z.literal(true), data: z.unknown() }),
  z.object({
    success: z.literal(false),
    error: z.object({ code: z.string(), message: z.string() }),
  }),
]);

export const MadeKey = z.object({
  tenantId: z.string(),
  keyId: z.string(),
  role: z.string(),
  apiKey: z.string(),
});
export const RevokedKey = z.object({ keyId: z.string(), revokedAt: z.string() });

const nextCursor = z.string().nullable();
export const TenantPage = z.object({ items: z.array(Tenant), nextCursor });
export const KeyPage = z.object({ items: z.array(Key), nextCursor });
export type Row =
  | z.infer<typeof TenantPage>['items'][number]
  | z.infer<typeof KeyPage>['items'][number];
