/**
 * One local stack for all scenario files, in a folder of its own, with a pool big enough for them to
 * run side by side. With BASE_URL and API_KEY set, the scenarios run against that deployment.
 */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startLocalStack, temporaryDirectory } from '../../local/cli/local-stack.ts';
import { awsProfile } from '../helpers/aws-profile.ts';

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
  const directory = await temporaryDirectory();
  const logFile = join(directory.path, 'functions.log');
  const refusals: string[] = [];
  const stack = await startLocalStack({
    port: 0,
    directory: directory.path,
    persist: false,
    pool: 4,
    isolation: 'auto',
    aws: awsProfile,
    // Nothing of before a pause is under way when the test of it looks.
    environmentOverrides: { pool: { PAUSE_SETTLES_MS: '0' } },
    // The same everywhere, whatever was built on this machine; `npm test -- --shape image` asks for the image.
    image: process.env['AGENT_SHAPE'] === undefined ? 'host' : 'built',
    progress: (line) => process.stderr.write(`${line}\n`),
    log: (source, line) => {
      appendFileSync(logFile, `${source}: ${line}\n`);
      if (source === 'iam') refusals.push(line);
    },
  });
  const { baseUrl, apiKey, websocketUrl, pid, controlUrl, controlToken } = stack.endpoints;
  project.provide('target', {
    baseUrl,
    apiKey,
    ...(websocketUrl === undefined ? {} : { websocketUrl }),
    pid,
    control: { url: controlUrl, token: controlToken },
    logFile,
  });
  return async () => {
    await stack.close();
    await directory[Symbol.asyncDispose]();
    // A function that goes on without its right hides a grant that is missing in the template.
    if (refusals.length > 0) throw new Error(`rights were missing:\n${refusals.join('\n')}`);
  };
}
