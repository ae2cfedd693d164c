/** What profile `aws` asks of who invokes functions: cold starts, events late and twice, streams that slow down, 429. */
import { InvokeCommand } from '@aws-sdk/client-lambda';
import { expect, test } from 'vitest';
import { awaitGate, openStage } from './stage.ts';

const ECHO = `export const handler = async ({ n }) => { console.log('did ' + n); return n; };`;

test('a cold start takes longer, a warm one does not', async () => {
  await using stage = await openStage({ behaviour: { coldStartMs: () => 150 } });
  await stage.define('echo', ECHO);
  const timed = async () => {
    const begun = performance.now();
    await stage.lambda.invoke('echo', { n: 1 });
    return performance.now() - begun;
  };
  expect(await timed()).toBeGreaterThan(149);
  expect(stage.lambda.functions()[0]?.inits).toBe(1);
  await timed();
  expect(stage.lambda.functions()[0]?.inits).toBe(1);
});

test('an event may come twice and after one that was sent later', async () => {
  const fates = [
    { copies: 2, waitMs: 80 },
    { copies: 1, waitMs: 0 },
  ];
  await using stage = await openStage({
    behaviour: { eventFate: () => fates.shift() ?? { copies: 1 } },
  });
  await stage.define('echo', ECHO);
  await stage.lambda.prewarm('echo', 2);
  stage.lambda.invokeAsync('echo', { n: 1 });
  stage.lambda.invokeAsync('echo', { n: 2 });
  await stage.until(() => stage.lines.length === 3);
  expect(stage.lines.map(({ line }) => line)).toEqual(['did 2', 'did 1', 'did 1']);
});

test('a streamed response slows down behind its burst', async () => {
  const stream = { burstBytes: 500_000, bytesPerSecond: 2_000_000 };
  await using stage = await openStage({ behaviour: { stream } });
  await stage.define(
    'streams',
    `export const handler = awslambda.streamifyResponse(async ({ bytes }, out) => {
       out.write(Buffer.alloc(bytes, 1)); out.end();
     });`,
  );
  const timed = async (bytes: number) => {
    const begun = performance.now();
    const { body } = await stage.lambda.invokeStreaming('streams', { bytes });
    let seen = 0;
    for await (const chunk of body) seen += chunk.length;
    expect(seen).toBe(bytes);
    return performance.now() - begun;
  };
  await timed(1);
  // 400 KB behind the burst at 2 MB a second.
  expect(await timed(900_000)).toBeGreaterThan(195);
});

test('above the concurrency of the account every function is throttled', async () => {
  await using stage = await openStage({ accountConcurrency: 2 });
  await stage.define('waits', `export const handler = async () => {${awaitGate('gate')}};`);
  await stage.define('echo', ECHO);
  const running = [1, 2].map(() => stage.lambda.invoke('waits', {}));
  const send = () =>
    stage.client.send(new InvokeCommand({ FunctionName: 'echo', Payload: '{"n":1}' }));
  await expect(send()).rejects.toMatchObject({
    name: 'TooManyRequestsException',
    Reason: 'ConcurrentInvocationLimitExceeded',
    $metadata: { httpStatusCode: 429 },
  });
  await stage.open('gate');
  await Promise.all(running);
  expect((await send()).StatusCode).toBe(200);
});
