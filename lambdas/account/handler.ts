/**
 * `account`: tenants, keys and tickets, behind the REST API and by direct invoke. The two events differ in
 * shape: API Gateway makes the first, and no client can give it a field of the second.
 */
import type { Context } from 'aws-lambda';
import * as z from 'zod/mini';
import { createKey, listKeys, revokeKey, rotateKey } from '../../core/account/keys.ts';
import { createTenant, listTenants } from '../../core/account/tenants.ts';
import { createTicket } from '../../core/account/tickets.ts';
import { readUsage } from '../../core/account/usage.ts';
import { parseEnv } from '../shared/env.ts';
import { idempotencyKeyOf } from '../shared/idempotency-key.ts';
import { restFunction } from '../shared/rest-function.ts';
import { answerDirect } from './direct.ts';
import { AccountEnv } from './env.ts';
import { wire } from './wire.ts';

const env = parseEnv(AccountEnv);
const deps = wire(env);

const rest = restFunction(
  { allowedOrigin: env.ALLOWED_ORIGIN },
  {
    createKey: async (request) => {
      const asked = idempotencyKeyOf('createKey', request);
      const { body, query, caller } = request;
      const key = await createKey(deps, { ...body, ...query, asked }, caller);
      return { status: 'apiKey' in key ? 201 : 200, data: key };
    },
    listKeys: async ({ query, caller }) => ({
      status: 200,
      data: await listKeys(deps, query, caller),
    }),
    revokeKey: async ({ params, query, caller }) => ({
      status: 200,
      data: await revokeKey(deps, { ...params, ...query }, caller),
    }),
    rotateKey: async ({ params, query, body, caller }) => ({
      status: 200,
      data: await rotateKey(deps, { ...params, ...query, ...body }, caller),
    }),
    getUsage: async ({ query, caller }) => ({
      status: 200,
      data: await readUsage(deps, query, caller),
    }),
    createTicket: async ({ caller }) => ({ status: 201, data: await createTicket(deps, caller) }),
    createTenant: async ({ body }) => ({ status: 201, data: await createTenant(deps, body) }),
    listTenants: async ({ query }) => ({ status: 200, data: await listTenants(deps, query) }),
  },
);

const RestEvent = z.object({ httpMethod: z.string(), requestContext: z.object({}) });

export const handler = async (event: unknown, context: Context): Promise<unknown> =>
  RestEvent.safeParse(event).success ? rest(event, context) : answerDirect(deps, event);
