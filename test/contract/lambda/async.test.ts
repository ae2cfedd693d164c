import { InvokeCommand } from '@aws-sdk/client-lambda';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openStage, type Stage } from './stage.ts';

const QUEUE = 'arn:aws:sqs:eu-central-1:000000000000:failed';

let stage: Stage;
beforeEach(async () => {
  stage = await openStage({ asyncRetryDelaysMs: [5, 5], asyncThrottleDelayMs: 5 });
});
afterEach(async () => {
  await stage[Symbol.asyncDispose]();
});

const fails = `export const handler = async (_event, context) => {
  console.log('tried'); throw new Error('always ' + context.awsRequestId);
};`;

const tries = () => stage.lines.filter(({ line }) => line === 'tried').length;

async function send(name: string, payload: unknown) {
  return stage.client.send(
    new InvokeCommand({
      FunctionName: name,
      InvocationType: 'Event',
      Payload: JSON.stringify(payload),
    }),
  );
}

test('an event is accepted at once with 202 and runs afterwards', async () => {
  await stage.define('later', `export const handler = async ({ word }) => { console.log(word); };`);

  const answer = await send('later', { word: 'ran' });

  expect(answer.StatusCode).toBe(202);
  await stage.until(() => stage.lines.some(({ line }) => line === 'ran'));
});

test.each([0, 1, 2])(
  'a failing event is tried %i more times, then goes to its destination',
  async (n) => {
    await stage.define('fails', fails, { maximumRetryAttempts: n, onFailure: QUEUE });

    const { $metadata } = await send('fails', { id: 7 });
    await stage.until(() => stage.delivered.length === 1);

    expect(tries()).toBe(n + 1);
    expect(stage.delivered[0]).toMatchObject({
      destinationArn: QUEUE,
      record: {
        version: '1.0',
        requestContext: {
          requestId: $metadata.requestId,
          functionArn: `${stage.lambda.functionArn('fails')}:$LATEST`,
          condition: 'RetriesExhausted',
          approximateInvokeCount: n + 1,
        },
        requestPayload: { id: 7 },
        responseContext: { statusCode: 200, functionError: 'Unhandled' },
        responsePayload: { errorType: 'Error', errorMessage: `always ${$metadata.requestId}` },
      },
    });
    await expect
      .poll(() => stage.lambda.functions()[0]?.pendingEvents, { timeout: 10_000 })
      .toBe(0);
  },
);

test('without a setting an event is tried three times; without a destination it is dropped', async () => {
  await stage.define('fails', fails);

  stage.lambda.invokeAsync('fails', {});
  await expect.poll(() => stage.lambda.functions()[0]?.pendingEvents, { timeout: 10_000 }).toBe(0);

  expect(tries()).toBe(3);
  expect(stage.delivered).toEqual([]);
});

test('an event whose worker is killed is tried again', async () => {
  await stage.define(
    'killed',
    `export const handler = async () => { console.log('tried'); await new Promise(() => {}); };`,
    { maximumRetryAttempts: 1, onFailure: QUEUE },
  );
  stage.lambda.invokeAsync('killed', {});

  await stage.until(() => tries() === 1);
  await stage.lambda.terminateWorkers('killed');
  await stage.until(() => tries() === 2);
  await stage.lambda.terminateWorkers('killed');
  await stage.until(() => stage.delivered.length === 1);

  expect(stage.delivered[0]?.record.responsePayload?.errorType).toBe('Runtime.ExitError');
});

test('throttled events wait for a worker, and none is lost', async () => {
  await stage.define(
    'narrow',
    `export const handler = async ({ n }) => { console.log('did ' + n); };`,
    { reservedConcurrency: 1, maximumRetryAttempts: 0 },
  );

  for (let n = 0; n < 5; n++) stage.lambda.invokeAsync('narrow', { n });
  await stage.until(() => stage.lines.length === 5);

  expect(stage.lines.map(({ line }) => line).sort()).toEqual(
    [0, 1, 2, 3, 4].map((n) => `did ${n}`),
  );
});

test('an event that grew too old while throttled is given up as EventAgeExceeded', async () => {
  await stage.define('shut', fails, {
    reservedConcurrency: 0,
    maximumEventAgeSeconds: 0.02,
    onFailure: QUEUE,
  });

  stage.lambda.invokeAsync('shut', { id: 1 });
  await stage.until(() => stage.delivered.length === 1);

  expect(stage.delivered[0]?.record).toMatchObject({
    requestContext: { condition: 'EventAgeExceeded', approximateInvokeCount: 0 },
    requestPayload: { id: 1 },
  });
  expect(stage.delivered[0]?.record).not.toHaveProperty('responsePayload');
});

test('an event over 1 MB is refused', async () => {
  await stage.define('any', fails);

  await expect(send('any', 'x'.repeat(1024 * 1024))).rejects.toMatchObject({
    name: 'RequestTooLargeException',
  });
  expect(() => stage.lambda.invokeAsync('any', 'x'.repeat(1024 * 1024))).toThrow(/at most 1048576/);
});

test('an event to an unknown function is refused at once', async () => {
  await expect(send('nobody', {})).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
});
