/** Reads the metadata prelude of an HTTP response stream. What does not fit is no prelude: AWS answers 502 then. */
import { z } from 'zod';
import type { ResponsePrelude } from './types.ts';

const scalar = z.union([z.string(), z.number(), z.boolean()]).transform(String);

const Prelude = z.object({
  statusCode: z.number().int().min(100).max(999).default(200),
  headers: z.record(z.string(), scalar).default({}),
  multiValueHeaders: z.record(z.string(), z.array(scalar)).optional(),
  cookies: z.array(z.string()).optional(),
});

export function parsePrelude(json: string): ResponsePrelude | undefined {
  const parsed = Prelude.safeParse(JSON.parse(json));
  if (!parsed.success) return undefined;
  const { statusCode, headers, multiValueHeaders, cookies } = parsed.data;
  return {
    statusCode,
    headers,
    ...(multiValueHeaders === undefined ? {} : { multiValueHeaders }),
    ...(cookies === undefined ? {} : { cookies }),
  };
}
