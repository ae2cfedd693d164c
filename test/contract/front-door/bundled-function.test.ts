/** A handler bundled as for deployment, with the AWS SDK in it, calls AWS through the front door. */
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { openStage } from '../lambda/stage.ts';

const source = `
  import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
  const lambda = new LambdaClient({});
  export const handler = async ({ FunctionName }) => {
    const { Payload } = await lambda.send(new InvokeCommand({ FunctionName }));
    return JSON.parse(Payload.transformToString());
  };`;

test('a function’s calls carry its own credentials and are counted as its own', async () => {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: import.meta.dirname },
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    mainFields: ['module', 'main'],
    banner: {
      js: `import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);`,
    },
  });
  await using stage = await openStage();
  await stage.define('caller', outputFiles[0]!.text);
  await stage.define('callee', `export const handler = async () => 'called';`);

  const outcome = await stage.lambda.invoke('caller', { FunctionName: 'callee' });

  expect(outcome).toEqual({ payload: 'called' });
  expect(stage.frontDoor.counts.list()).toEqual([
    { service: 'lambda', action: 'Invoke', principal: 'caller', count: 1 },
  ]);
});
