/** A local stack of its own for a file of scenarios: with other times, or where functions are ended one after another. */
import type { LocalStackOptions } from '../../local/cli/local-stack.ts';
import { clientOf } from './api.ts';
import { startTestStack } from './test-stack.ts';

export type OwnStack = Awaited<ReturnType<typeof startOwnStack>>;

export async function startOwnStack(options: Partial<LocalStackOptions> = {}) {
  const stack = await startTestStack(options);
  return { ...stack, ...clientOf(stack.deployment) };
}
