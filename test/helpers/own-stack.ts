/** A local stack of its own for a file of scenarios: with other times, or where functions are ended one after another. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type LocalStackOptions,
  startLocalStack,
  temporaryDirectory,
} from '../../local/cli/local-stack.ts';
import { clientOf } from './api.ts';
import { awsProfile } from './aws-profile.ts';

export type OwnStack = Awaited<ReturnType<typeof startOwnStack>>;

export async function startOwnStack(options: Partial<LocalStackOptions> = {}) {
  const directory = await temporaryDirectory();
  const logFile = join(directory.path, 'functions.log');
  const stack = await startLocalStack({
    port: 0,
    directory: directory.path,
    persist: false,
    pool: 2,
    isolation: 'auto',
    aws: awsProfile,
    progress: () => {},
    log: (source, line) => appendFileSync(logFile, `${source}: ${line}\n`),
    ...options,
  });
  const { baseUrl, apiKey, websocketUrl, controlUrl, controlToken } = stack.endpoints;
  const deployment = {
    baseUrl,
    apiKey,
    ...(websocketUrl === undefined ? {} : { websocketUrl }),
    control: { url: controlUrl, token: controlToken },
  };
  return {
    deployment,
    ...clientOf(deployment),
    logFile,
    [Symbol.asyncDispose]: async () => {
      await stack.close();
      await directory[Symbol.asyncDispose]();
    },
  };
}
