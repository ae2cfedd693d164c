/** Which of its answers a caller of executeCode asks for: a stream, JSON, or JSON at once. */
import type { ExecutionsDeps } from './wire.ts';

interface Asked {
  header(name: string): string | undefined;
}

export const wantsStream = (request: Asked): boolean =>
  /\btext\/event-stream\b/i.test(request.header('accept') ?? '');

/** How long a JSON answer waits for the end. */
export const waitOf = (deps: ExecutionsDeps, request: Asked): number =>
  /\brespond-async\b/i.test(request.header('prefer') ?? '') ? 0 : deps.jsonWaitMs;
