import {
  InvokeCommand,
  ResourceNotFoundException,
  TooManyRequestsException,
} from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { awaitGate, openStage, type Stage } from './stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(async () => {
  await stage[Symbol.asyncDispose]();
});

async function invoke(name: string, payload: unknown = {}) {
  const answer = await stage.client.send(
    new InvokeCommand({ FunctionName: name, Payload: JSON.stringify(payload) }),
  );
  return { ...answer, payload: JSON.parse(answer.Payload?.transformToString() ?? 'null') };
}

test('invoke answers what the handler returns, to a name and to an ARN', async () => {
  await stage.define('echo', `export const handler = async (event) => ({ got: event });`);

  const byName = await invoke('echo', { a: 1 });
  const byArn = await invoke('arn:aws:lambda:eu-central-1:000000000000:function:echo', { a: 2 });

  expect(byName).toMatchObject({ StatusCode: 200, payload: { got: { a: 1 } } });
  expect(byName.FunctionError).toBeUndefined();
  expect(byArn.payload).toEqual({ got: { a: 2 } });
});

test('a function that throws is answered 200 with FunctionError and the error as payload', async () => {
  await stage.define(
    'throws',
    `export const handler = async () => { throw new TypeError('no such colour'); };`,
  );

  const answer = await invoke('throws');

  expect(answer).toMatchObject({ StatusCode: 200, FunctionError: 'Unhandled' });
  expect(answer.payload).toMatchObject({
    errorType: 'TypeError',
    errorMessage: 'no such colour',
  });
  expect((await invoke('throws')).FunctionError).toBe('Unhandled');
  expect(stage.lambda.functions().find((f) => f.functionName === 'throws')?.inits).toBe(1);
});

test('an unknown function is ResourceNotFoundException', async () => {
  await expect(invoke('nobody')).rejects.toThrow(ResourceNotFoundException);
  await expect(stage.lambda.invoke('nobody', {})).rejects.toMatchObject({
    code: 'ResourceNotFoundException',
    statusCode: 404,
  });
});

test('a bundle that cannot be loaded fails the invoke with the reason', async () => {
  await stage.define('broken', `throw new Error('TABLE_NAME is missing');`);
  await stage.define('misnamed', `export const other = async () => 1;`);

  const broken = await invoke('broken');
  const misnamed = await invoke('misnamed');

  expect(broken.payload).toMatchObject({ errorMessage: 'TABLE_NAME is missing' });
  expect(misnamed.payload).toMatchObject({ errorType: 'Runtime.HandlerNotFound' });
});

test('a handler that takes too long is killed and the next event gets a fresh worker', async () => {
  await stage.define(
    'slow',
    `export const handler = async ({ hang }) => {
       if (hang === 'async') await new Promise(() => {});
       while (hang === 'busy');
       return 'quick';
     };`,
    { timeoutSeconds: 0.3 },
  );

  const asleep = await invoke('slow', { hang: 'async' });
  const busy = await invoke('slow', { hang: 'busy' });
  const quick = await invoke('slow', {});

  for (const { payload } of [asleep, busy]) {
    expect(payload.errorType).toBe('Sandbox.Timedout');
    expect(payload.errorMessage).toMatch(
      /^RequestId: \S+ Error: Task timed out after 0\.30 seconds$/,
    );
  }
  expect(quick.payload).toBe('quick');
});

test.each([
  ['process.exit', `process.exit(3)`, /exit status 3/],
  [
    'an unhandled rejection',
    `Promise.reject(new Error('lost')); await new Promise(() => {})`,
    /exit status/,
  ],
  [
    'an exception in a timer',
    `setTimeout(() => { throw new Error('late') }); await new Promise(() => {})`,
    /exit status/,
  ],
  [
    'too much memory',
    `const all = []; for (;;) all.push(new Array(1e6).fill(0.5))`,
    /signal: killed/,
  ],
])('%s in a handler ends as Runtime.ExitError', async (what, code, message) => {
  const name = what.replaceAll(/\W/g, '-');
  await stage.define(name, `export const handler = async () => { ${code}; };`);

  const answer = await invoke(name);

  expect(answer).toMatchObject({ FunctionError: 'Unhandled' });
  expect(answer.payload.errorType).toBe('Runtime.ExitError');
  expect(answer.payload.errorMessage).toMatch(message);
});

test('a function sees its own environment and nothing of the host', async () => {
  process.env['SECRET_OF_THE_HOST'] = 'x';
  await stage.define('environment', `export const handler = async () => ({ ...process.env });`, {
    environment: { TABLE_NAME: 'state', AWS_REGION: 'somewhere-else' },
  });

  const { payload } = await invoke('environment');

  const own = stage.frontDoor.issueCredentials('environment');
  expect(payload).toMatchObject({
    TABLE_NAME: 'state',
    AWS_REGION: 'eu-central-1',
    AWS_ENDPOINT_URL: stage.frontDoor.url,
    AWS_LAMBDA_FUNCTION_NAME: 'environment',
    AWS_ACCESS_KEY_ID: own.accessKeyId,
    AWS_SECRET_ACCESS_KEY: own.secretAccessKey,
  });
  expect(payload).not.toHaveProperty('SECRET_OF_THE_HOST');
  expect(payload).not.toHaveProperty('HOME');
  delete process.env['SECRET_OF_THE_HOST'];
});

test('the context tells the request, the function and the time that is left', async () => {
  await stage.define(
    'context',
    `export const handler = async (_event, context) => ({ ...context, left: context.getRemainingTimeInMillis() });`,
    { timeoutSeconds: 7 },
  );

  const { payload, $metadata } = await invoke('context');

  expect(payload).toMatchObject({
    awsRequestId: $metadata.requestId,
    functionName: 'context',
    memoryLimitInMB: '128',
    invokedFunctionArn: stage.lambda.functionArn('context'),
  });
  expect(payload.left).toBeGreaterThan(6000);
  expect(payload.left).toBeLessThanOrEqual(7000);
});

test('a worker serves one event at a time; above the limit an invoke is throttled', async () => {
  await stage.define(
    'narrow',
    `let running = 0;
     export const handler = async () => {
       running++; console.log('began');
       ${awaitGate('narrow-gate')}
       return running--;
     };`,
    { reservedConcurrency: 2 },
  );

  const first = [invoke('narrow'), invoke('narrow')];
  await stage.until(
    () => stage.lines.filter((line) => line.functionName === 'narrow').length === 2,
  );
  const third = invoke('narrow');

  await expect(third).rejects.toThrow(TooManyRequestsException);
  await expect(third).rejects.toMatchObject({
    Reason: 'ReservedFunctionConcurrentInvocationLimitExceeded',
  });
  await stage.open('narrow-gate');
  expect((await Promise.all(first)).map(({ payload }) => payload)).toEqual([1, 1]);
  expect(stage.lambda.functions().find((f) => f.functionName === 'narrow')).toMatchObject({
    inits: 2,
    invocations: 2,
    throttles: 1,
  });
});

test('what a handler prints reaches the log with its request, also without a line end', async () => {
  await stage.define(
    'talks',
    `export const handler = async () => {
       console.log('one\\ntwo'); process.stderr.write('three'); return 1;
     };`,
  );

  const { $metadata } = await invoke('talks');

  const requestId = $metadata.requestId;
  expect(stage.lines.filter((line) => line.functionName === 'talks')).toEqual(
    ['one', 'two', 'three'].map((line) => ({ functionName: 'talks', requestId, line })),
  );
});

test('a payload over 6 MB is refused, and one that is no JSON', async () => {
  const invokeRaw = (bytes: string) =>
    stage.client.send(new InvokeCommand({ FunctionName: 'echo', Payload: Buffer.from(bytes) }));

  await expect(invokeRaw(JSON.stringify('x'.repeat(6 * 1024 * 1024)))).rejects.toMatchObject({
    name: 'RequestTooLargeException',
  });
  await expect(invokeRaw('{"half":')).rejects.toMatchObject({
    name: 'InvalidRequestContentException',
  });
  await expect(stage.lambda.invoke('echo', 'x'.repeat(7e6))).rejects.toMatchObject({
    code: 'RequestTooLargeException',
  });
});

test('an answer over 6 MB is a function error', async () => {
  await stage.define('wordy', `export const handler = async ({ n }) => 'x'.repeat(n);`);

  expect(await invoke('wordy', { n: 6_000_000 })).toMatchObject({ StatusCode: 200 });
  expect((await invoke('wordy', { n: 6_300_000 })).payload).toMatchObject({
    errorType: 'Function.ResponseSizeTooLarge',
  });
});

test('DryRun checks that the function is there and runs nothing', async () => {
  const dryRun = (name: string) =>
    stage.client.send(new InvokeCommand({ FunctionName: name, InvocationType: 'DryRun' }));

  expect((await dryRun('echo')).StatusCode).toBe(204);
  await expect(dryRun('nobody')).rejects.toThrow(ResourceNotFoundException);
});

test('a caller that stops waiting leaves the function running', async () => {
  await stage.define(
    'persists',
    `export const handler = async () => {
       console.log('began'); await new Promise((resolve) => setTimeout(resolve, 50)); console.log('ended');
     };`,
  );
  const abort = new AbortController();
  const waiting = stage.lambda.invoke('persists', {}, { signal: abort.signal });
  await stage.until(() => stage.lines.some(({ line }) => line === 'began'));

  abort.abort(new Error('29 seconds'));

  await expect(waiting).rejects.toThrow('29 seconds');
  await stage.until(() => stage.lines.some(({ line }) => line === 'ended'));
});

test('the next event after an answer finds the same worker', async () => {
  await stage.define('warm', `let n = 0; export const handler = async () => ++n;`);

  for (let n = 1; n <= 20; n++) expect((await invoke('warm')).payload).toBe(n);
});
