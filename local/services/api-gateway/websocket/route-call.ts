/** Calls the function of a route and reads what it answers. What goes wrong is named as API Gateway names it to clients. */
import { z } from 'zod';
import type { FunctionInvoker } from '../../lambda/types.ts';
import type { WebSocketRoute } from './definition.ts';

const answerSchema = z.object({
  statusCode: z.coerce.number().int().min(100).max(599),
  headers: z.record(z.string(), z.coerce.string()).nullish(),
  body: z.string().nullish(),
});

type RouteOutcome =
  | { readonly ok: true; readonly answer: z.output<typeof answerSchema> }
  | {
      readonly ok: false;
      readonly message: 'Internal server error' | 'Endpoint request timed out';
      /** For the log of the stand-in, not for clients. */
      readonly cause: unknown;
    };

export async function callRoute(
  invoker: FunctionInvoker,
  { functionName, timeoutMs }: WebSocketRoute,
  event: unknown,
): Promise<RouteOutcome> {
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    const outcome = await invoker.invoke(functionName, event, { signal });
    if ('error' in outcome)
      return { ok: false, message: 'Internal server error', cause: outcome.error };
    const parsed = answerSchema.safeParse(outcome.payload);
    return parsed.success
      ? { ok: true, answer: parsed.data }
      : { ok: false, message: 'Internal server error', cause: parsed.error };
  } catch (cause) {
    const late = cause instanceof Error && cause.name === 'TimeoutError';
    return {
      ok: false,
      message: late ? 'Endpoint request timed out' : 'Internal server error',
      cause,
    };
  }
}
