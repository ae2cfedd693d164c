import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { Queues } from '../../../local/services/sqs/queues.ts';
import { TransitionCounts } from '../../../local/services/step-functions/transition-counts.ts';
import { openStage, type Stage } from '../lambda/stage.ts';
import { openControl, TOKEN } from './control.ts';

const Answer = z.object({
  functions: z
    .array(z.object({ workers: z.array(z.looseObject({ workerId: z.string() })) }).loose())
    .default([]),
  terminated: z.array(z.string()).default([]),
  workers: z
    .array(z.object({ workerId: z.string(), heapBytes: z.number(), externalBytes: z.number() }))
    .default([]),
  requests: z.array(z.unknown()).optional(),
  transitions: z.array(z.unknown()).optional(),
  executions: z.array(z.unknown()).optional(),
  queues: z.array(z.looseObject({ messages: z.array(z.unknown()) })).default([]),
  payload: z.unknown().optional(),
  error: z.looseObject({ message: z.string().optional() }).optional(),
});

const transitions = new TransitionCounts();
const life = {
  stateMachine: 'life',
  name: 'sb1',
  status: 'RUNNING',
  state: 'Hold',
  transitions: 2,
  events: 9,
};
const stateMachines = { transitions, executions: () => [life] };
const queues = new Queues();
let stage: Stage;
let control: Awaited<ReturnType<typeof openControl>>;

beforeEach(async () => {
  stage = await openStage();
  control = await openControl(stage, { stateMachines, queues });
});
afterEach(async () => {
  await control[Symbol.asyncDispose]();
  await stage[Symbol.asyncDispose]();
});

async function call(request: string, init?: RequestInit) {
  const { status, body } = await control.send(request, init);
  return { status, body: Answer.parse(body) };
}

const hangs = `export const handler = async () => { console.log('on'); await new Promise(() => {}); };`;

test('without the token, with a wrong one, or from a browser, nothing is answered', async () => {
  const bearer = `Bearer ${TOKEN}`;
  const refusals: Array<[Record<string, string>, number]> = [
    [{}, 401],
    [{ authorization: 'Bearer wrong' }, 401],
    [{ authorization: TOKEN }, 401],
    [{ authorization: bearer, origin: 'http://127.0.0.1:8080' }, 403],
  ];

  for (const [headers, status] of refusals) {
    expect((await call('GET /functions', { headers })).status).toBe(status);
  }
});

test('queues are listed with what was sent to them, the last thousand of each', async () => {
  const arn = 'arn:aws:sqs:us-east-1:000000000000:failed';
  queues.create('failed', arn);
  for (let id = 0; id <= 1_000; id++) queues.send(arn, { id });

  const [queue] = (await call('GET /queues')).body.queues;

  expect(queue).toMatchObject({ name: 'failed', arn, sent: 1_001 });
  expect(queue!.messages).toHaveLength(1_000);
  expect(queue!.messages.at(-1)).toEqual({ sentAt: expect.any(String), body: { id: 1_000 } });
  expect(() => queues.send(`${arn}-too`, {})).toThrow(`there is no queue ${arn}-too`);
});

test('functions are listed with their workers and counts', async () => {
  await stage.define('echo', `export const handler = async (event) => event;`);
  await stage.lambda.invoke('echo', {});

  const { status, body } = await call('GET /functions');

  expect(status).toBe(200);
  expect(body.functions).toMatchObject([
    {
      functionName: 'echo',
      workers: [{ workerId: expect.any(String), state: 'idle' }],
      invocations: 1,
      inits: 1,
      throttles: 0,
      pendingEvents: 0,
    },
  ]);
});

test('one worker, then all workers of a function, can be ended in the middle of their work', async () => {
  await stage.define('hangs', hangs);
  const runs = [1, 2, 3].map(async () => stage.lambda.invoke('hangs', {}));
  await stage.until(() => stage.lines.length === 3);
  const { body } = await call('GET /functions');
  const workerId = body.functions[0]!.workers[0]!.workerId;

  const one = await call(`DELETE /functions/hangs/workers/${workerId}`);
  const again = await call(`DELETE /functions/hangs/workers/${workerId}`);
  const rest = await call('DELETE /functions/hangs/workers');

  expect(one).toMatchObject({ status: 200, body: { terminated: [workerId] } });
  expect(again.status).toBe(404);
  expect(rest.body.terminated).toHaveLength(2);
  for (const outcome of await Promise.all(runs)) {
    expect(outcome).toMatchObject({ error: { errorType: 'Runtime.ExitError' } });
  }
});

test('the operator invokes a function with a JSON body', async () => {
  await stage.define(
    'doubles',
    `export const handler = async ({ n }) => { if (n === undefined) throw new Error('no n'); return n * 2; };`,
  );

  const answered = await call('POST /functions/doubles/invoke', { body: '{"n":21}' });
  const failed = await call('POST /functions/doubles/invoke', { body: '' });
  const garbled = await call('POST /functions/doubles/invoke', { body: '{' });

  expect(answered).toMatchObject({ status: 200, body: { payload: 42 } });
  expect(failed.body).toMatchObject({ error: { errorType: 'Error', errorMessage: 'no n' } });
  expect(garbled).toMatchObject({ status: 400, body: { error: { code: 'InvalidJson' } } });
});

test('request counts can be read and reset', async () => {
  stage.frontDoor.counts.add({ service: 's3', action: 'GetObject', principal: 'files' });

  const before = await call('GET /requests');
  await call('DELETE /requests');

  expect(before.body.requests).toEqual([
    { service: 's3', action: 'GetObject', principal: 'files', count: 1 },
  ]);
  expect((await call('GET /requests')).body.requests).toEqual([]);
});

test.each([
  ['GET /nothing', 404, /no GET \/nothing/],
  ['DELETE /functions/nobody/workers', 404, /Function not found/],
  ['DELETE /functions/no%20name/workers', 400, /"no name": a function name/],
  ['DELETE /functions/%ff/workers', 400, /URI/],
  ['DELETE /functions/hangs/workers/7', 400, /"7": a worker id is a UUID/],
])('%s is refused with %i and says why', async (request, status, message) => {
  const answer = await call(request);

  expect(answer.status).toBe(status);
  expect(answer.body.error?.message).toMatch(message);
});

test('tells where executions stand and how many transitions each state took, from zero on request', async () => {
  transitions.add({ stateMachine: 'life', state: 'Start' });
  transitions.add({ stateMachine: 'life', state: 'Hold' });
  transitions.add({ stateMachine: 'life', state: 'Hold' });

  expect((await call('GET /executions')).body.executions).toEqual([life]);
  expect((await call('GET /transitions')).body.transitions).toEqual([
    { stateMachine: 'life', state: 'Start', count: 1 },
    { stateMachine: 'life', state: 'Hold', count: 2 },
  ]);
  await call('DELETE /transitions');
  expect((await call('GET /transitions')).body.transitions).toEqual([]);
});

test('what the workers of a function hold can be asked for', async () => {
  const megabytes = 50;
  await stage.define(
    'holds',
    `const held = Buffer.alloc(${megabytes}e6, 1); export const handler = async () => held.length;`,
  );
  await stage.lambda.invoke('holds', {});
  const { status, body } = await call('GET /functions/holds/memory');
  expect(status).toBe(200);
  expect(body.workers).toHaveLength(1);
  const [worker] = body.workers;
  expect(worker?.externalBytes).toBeGreaterThan(megabytes * 1e6);
  expect(worker?.heapBytes).toBeGreaterThan(1e6);
  expect((await call('GET /functions/nobody/memory')).status).toBe(404);
});
