/** The control port as the trials use it: grants and what they let through, functions, queues. */
import * as z from 'zod';
import { controlPort, type Endpoints } from '../shared/control-port.ts';

const Grant = z.object({
  role: z.string(),
  policy: z.string(),
  statement: z.number(),
  action: z.string(),
  resource: z.string(),
  functions: z.array(z.string()),
  effect: z.enum(['Allow', 'Deny']),
  used: z.number(),
  missed: z.number(),
});
export type Grant = z.output<typeof Grant>;

const Grants = z.object({ grants: z.array(Grant) });
const Operator = z.object({
  endpoint: z.string(),
  region: z.string(),
  accessKeyId: z.string(),
  secretAccessKey: z.string(),
});
const Functions = z.object({
  functions: z.array(
    z.object({
      functionName: z.string(),
      workers: z.array(z.object({ state: z.string() })),
      invocations: z.number(),
      pendingEvents: z.number(),
    }),
  ),
});
const Queues = z.object({ queues: z.array(z.object({ name: z.string(), sent: z.number() })) });

export type Control = ReturnType<typeof controlOf>;

export function controlOf(endpoints: Endpoints) {
  const { call, ...port } = controlPort(endpoints);
  return {
    ...port,
    grants: async () => (await call(Grants, 'GET', '/grants')).grants,
    resetUses: () => call(z.unknown(), 'DELETE', '/grants/uses'),
    omit: ({ role, policy, statement, action, resource }: Grant) =>
      call(z.unknown(), 'POST', '/grants/omissions', {
        role,
        policy,
        statement,
        action,
        resource,
      }),
    restore: () => call(z.unknown(), 'DELETE', '/grants/omissions'),
    endWorkers: (name: string) => call(z.unknown(), 'DELETE', `/functions/${name}/workers`),
    /** No function does anything, and none is about to. */
    isQuiet: async () =>
      (await call(Functions, 'GET', '/functions')).functions.every(
        ({ workers, pendingEvents }) =>
          pendingEvents === 0 && workers.every(({ state }) => state === 'idle'),
      ),
    /** How often it was invoked. */
    invocationsOf: async (name: string) =>
      (await call(Functions, 'GET', '/functions')).functions.find(
        ({ functionName }) => functionName === name,
      )?.invocations ?? 0,
    operator: () => call(Operator, 'GET', '/operator'),
    queued: async () =>
      (await call(Queues, 'GET', '/queues')).queues.reduce((sum, { sent }) => sum + sent, 0),
  };
}
