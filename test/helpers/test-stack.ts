/** A local stack in a folder of its own, as all scenarios have it: the shared one, or one with other settings. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type LocalStackOptions,
  startLocalStack,
  temporaryDirectory,
} from '../../local/cli/local-stack.ts';
import { awsProfile } from './aws-profile.ts';

export async function startTestStack(options: Partial<LocalStackOptions> = {}) {
  const directory = await temporaryDirectory();
  const logFile = join(directory.path, 'functions.log');
  const refusals: string[] = [];
  const stack = await startLocalStack({
    port: 0,
    directory: directory.path,
    persist: false,
    pool: 2,
    isolation: 'auto',
    aws: awsProfile,
    // The same everywhere, whatever was built on this machine; `npm test -- --shape image` asks for the image.
    image: process.env['AGENT_SHAPE'] === undefined ? 'host' : 'built',
    progress: () => {},
    log: (source, line) => {
      appendFileSync(logFile, `${source}: ${line}\n`);
      if (source === 'iam') refusals.push(line);
    },
    ...options,
  });
  const { baseUrl, apiKey, websocketUrl, pid, controlUrl, controlToken } = stack.endpoints;
  return {
    deployment: {
      baseUrl,
      apiKey,
      ...(websocketUrl === undefined ? {} : { websocketUrl }),
      pid,
      control: { url: controlUrl, token: controlToken },
      /** Lines of functions and stand-ins. */
      logFile,
    },
    [Symbol.asyncDispose]: async () => {
      await stack.close();
      await directory[Symbol.asyncDispose]();
      // A function that goes on without its right hides a grant that is missing in the template.
      if (refusals.length > 0) throw new Error(`rights were missing:\n${refusals.join('\n')}`);
    },
  };
}
