/**
 * One local stack for all scenario files, in a folder of its own, with a pool big enough for them to
 * run side by side. With BASE_URL and API_KEY set, the scenarios run against that deployment.
 */
import type { TestProject } from 'vitest/node';
import { awsProfile } from '../helpers/aws-profile.ts';
import { startTestStack } from '../helpers/test-stack.ts';

/** Where a scenario finds the deployment; `control` only for a local stack. */
export interface Target {
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly websocketUrl?: string;
  readonly control?: { readonly url: string; readonly token: string };
  readonly pid?: number;
  /** Lines of functions and stand-ins. */
  readonly logFile?: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    target: Target;
  }
}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { BASE_URL, API_KEY, WEBSOCKET_URL } = process.env;
  if (BASE_URL && API_KEY) {
    const sockets = WEBSOCKET_URL ? { websocketUrl: WEBSOCKET_URL } : {};
    project.provide('target', { baseUrl: BASE_URL, apiKey: API_KEY, ...sockets });
    return async () => {};
  }
  if (awsProfile.profile === 'aws')
    process.stderr.write(`stand-ins behave as AWS: ${JSON.stringify(awsProfile)}\n`);
  const { deployment, ...stack } = await startTestStack({
    pool: 4,
    // Nothing of before a pause is under way when the test of it looks.
    environmentOverrides: { pool: { PAUSE_SETTLES_MS: '0' } },
    progress: (line) => process.stderr.write(`${line}\n`),
  });
  project.provide('target', deployment);
  return stack[Symbol.asyncDispose];
}
