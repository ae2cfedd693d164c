/** What the workers of a function hold, of a deployment of `npm start`: asked at its control port. */
import * as z from 'zod';
import type { Target } from './target.ts';

const Functions = z.object({
  functions: z.array(
    z.object({
      functionName: z.string(),
      workers: z.array(z.object({ workerId: z.string(), state: z.string() })),
    }),
  ),
});
const Memory = z.object({
  workers: z.array(
    z.object({ workerId: z.string(), heapBytes: z.number(), externalBytes: z.number() }),
  ),
});

const MIB = 1024 * 1024;

/** MiB of the fullest worker that is busy, of the functions whose names end so; undefined where none is. */
export async function fullestBusyMib(
  { url, token }: NonNullable<Target['control']>,
  names: readonly string[],
): Promise<number | undefined> {
  const get = async <T>(path: string, schema: z.ZodType<T>): Promise<T> => {
    const response = await fetch(`${url}${path}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    return schema.parse(await response.json());
  };
  const { functions } = await get('/functions', Functions);
  const sizes: number[] = [];
  for (const { functionName, workers } of functions) {
    if (!names.some((name) => functionName.endsWith(`-${name}`))) continue;
    const busy = new Set(workers.filter(({ state }) => state === 'busy').map((w) => w.workerId));
    if (busy.size === 0) continue;
    const memory = await get(`/functions/${functionName}/memory`, Memory);
    for (const { workerId, heapBytes, externalBytes } of memory.workers)
      if (busy.has(workerId)) sizes.push((heapBytes + externalBytes) / MIB);
  }
  return sizes.length === 0 ? undefined : Math.max(...sizes);
}
