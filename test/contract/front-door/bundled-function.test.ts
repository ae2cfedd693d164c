/** Handlers bundled as for deployment, with the libraries they use in AWS. */
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { openStage } from '../lambda/stage.ts';

async function bundle(contents: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: import.meta.dirname },
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    mainFields: ['module', 'main'],
    banner: {
      js: `import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);`,
    },
  });
  return outputFiles[0]!.text;
}

test('a function’s calls carry its own credentials and are counted as its own', async () => {
  await using stage = await openStage();
  await stage.define(
    'caller',
    await bundle(`
      import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
      const lambda = new LambdaClient({});
      export const handler = async ({ FunctionName }) => {
        const { Payload } = await lambda.send(new InvokeCommand({ FunctionName }));
        return JSON.parse(Payload.transformToString());
      };`),
  );
  await stage.define('callee', `export const handler = async () => 'called';`);

  const outcome = await stage.lambda.invoke('caller', { FunctionName: 'callee' });

  expect(outcome).toEqual({ payload: 'called' });
  expect(stage.frontDoor.counts.list()).toEqual([
    { service: 'lambda', action: 'Invoke', principal: 'caller', count: 1 },
  ]);
});

test.each([
  ['a text', `'whole'`],
  ['a stream', `Readable.from(['who', 'le'])`],
  ['a web stream', `ReadableStream.from([Buffer.from('whole')])`],
])('a middy handler streams %s with its prelude', async (_what, body) => {
  await using stage = await openStage();
  await stage.define(
    'middy',
    await bundle(`
      import { Readable } from 'node:stream';
      import middy from '@middy/core';
      import { executionModeStreamifyResponse } from '@middy/core/StreamifyResponse';
      export const handler = middy({ executionMode: executionModeStreamifyResponse }).handler(
        async () => ({ statusCode: 202, headers: { 'x-a': 'b' }, body: ${body} }),
      );`),
  );

  const response = await stage.lambda.invokeStreaming('middy', {});

  expect(response.prelude).toEqual({ statusCode: 202, headers: { 'x-a': 'b' } });
  expect(Buffer.concat(await response.body.toArray()).toString()).toBe('whole');
});
