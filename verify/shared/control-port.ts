/** The control port of a local stack, as every proof uses it: functions, faults and how often they struck. Every answer is parsed. */
import * as z from 'zod';
import { Problem } from './problem.ts';

/** What `npm start` writes to `endpoints.json`, as far as proofs need it. */
export const Endpoints = z.object({
  baseUrl: z.url(),
  websocketUrl: z.url(),
  apiKey: z.string(),
  controlUrl: z.url(),
  controlToken: z.string(),
});
export type Endpoints = z.output<typeof Endpoints>;

const Rules = z.object({ faults: z.array(z.object({ id: z.string(), hits: z.number() })) });
const Invoked = z.object({ payload: z.unknown(), error: z.unknown() }).partial();

export function controlPort({
  controlUrl,
  controlToken,
}: Pick<Endpoints, 'controlUrl' | 'controlToken'>) {
  const call = async <T>(
    schema: z.ZodType<T>,
    method: string,
    path: string,
    body?: unknown,
  ): Promise<T> => {
    const response = await fetch(`${controlUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${controlToken}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (response.ok) return schema.parse(JSON.parse(text));
    throw new Problem(`${method} ${path} at the control port: ${response.status} ${text}`);
  };
  return {
    call,
    /** As an operator with IAM rights; what the function throws is answered. */
    invoke: (functionName: string, payload: unknown) =>
      call(Invoked, 'POST', `/functions/${functionName}/invoke`, payload),
    fault: (rule: unknown) => call(z.unknown(), 'POST', '/faults', rule),
    /** How often the rules that are set have struck. */
    strikes: async () =>
      (await call(Rules, 'GET', '/faults')).faults.reduce((sum, { hits }) => sum + hits, 0),
    clearFaults: () => call(z.unknown(), 'DELETE', '/faults'),
  };
}
