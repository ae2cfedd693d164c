import { expect, test } from 'vitest';
import { openStage } from './stage.ts';

const identify = `
  import { randomUUID } from 'node:crypto';
  const id = randomUUID();
  console.log('loaded');
  export const handler = async () => id;`;

test('an idle worker ends after its time, and the next event starts another', async () => {
  await using stage = await openStage({ idleMs: 30 });
  await stage.define('id', identify);

  const first = await stage.lambda.invoke('id', {});
  await expect.poll(() => stage.lambda.functions()[0]?.workers).toEqual([]);
  const second = await stage.lambda.invoke('id', {});

  expect(second).not.toEqual(first);
});

test('prewarmed workers are loaded before any event and outlive the idle time', async () => {
  await using stage = await openStage({ idleMs: 10 });
  await stage.define('id', identify);

  await stage.lambda.prewarm('id', 2);
  const started = stage.lambda.functions()[0];
  await Promise.all([stage.lambda.invoke('id', {}), stage.lambda.invoke('id', {})]);

  expect(started).toMatchObject({ inits: 2, invocations: 0 });
  expect(started?.workers.map(({ state }) => state)).toEqual(['idle', 'idle']);
  expect(stage.lambda.functions()[0]).toMatchObject({ inits: 2, invocations: 2 });
});

test('killing a busy worker fails its event at once and spares the others', async () => {
  await using stage = await openStage();
  await stage.define(
    'waits',
    `export const handler = async ({ forMs }) => {
       console.log('began'); await new Promise((resolve) => setTimeout(resolve, forMs)); return 'done';
     };`,
  );
  const long = stage.lambda.invoke('waits', { forMs: 60_000 });
  await stage.until(() => stage.lines.length === 1);
  const [victim] = stage.lambda.functions()[0]!.workers;
  const short = stage.lambda.invoke('waits', { forMs: 200 });
  await stage.until(() => stage.lines.length === 2);

  await stage.lambda.terminateWorkers('waits', victim!.workerId);

  expect(await long).toMatchObject({
    error: { errorType: 'Runtime.ExitError', errorMessage: expect.stringContaining('killed') },
  });
  expect(await short).toEqual({ payload: 'done' });
});

test('a busy loop can be killed as well', async () => {
  await using stage = await openStage();
  await stage.define(
    'spins',
    `export const handler = async () => { console.log('on'); for (;;); };`,
  );
  const spinning = stage.lambda.invoke('spins', {});
  await stage.until(() => stage.lines.length === 1);

  await stage.lambda.terminateWorkers('spins');

  expect(await spinning).toMatchObject({ error: { errorType: 'Runtime.ExitError' } });
});

test('a worker that dies while idle is not given the next event', async () => {
  await using stage = await openStage();
  await stage.define(
    'mined',
    `export const handler = async () => { setTimeout(() => { throw new Error('boom'); }, 5); return 1; };`,
  );

  await stage.lambda.invoke('mined', {});
  await expect.poll(() => stage.lambda.functions()[0]?.workers).toEqual([]);

  expect(await stage.lambda.invoke('mined', {})).toEqual({ payload: 1 });
});

test('close waits for what runs, up to its time, takes nothing new, and leaves no worker', async () => {
  await using stage = await openStage();
  await stage.define(
    'waits',
    `export const handler = async ({ forMs }) => {
       console.log('began'); await new Promise((resolve) => setTimeout(resolve, forMs)); return 'done';
     };`,
  );
  const ends = stage.lambda.invoke('waits', { forMs: 50 });
  const hangs = stage.lambda.invoke('waits', { forMs: 60_000 });
  await stage.until(() => stage.lines.length === 2);

  const closing = stage.lambda.close(400);
  const refused = stage.lambda.invoke('waits', { forMs: 1 });

  await expect(refused).rejects.toMatchObject({ code: 'ServiceException' });
  await closing;
  expect(await ends).toEqual({ payload: 'done' });
  expect(await hangs).toMatchObject({ error: { errorType: 'Runtime.ExitError' } });
  expect(stage.lambda.functions()[0]?.workers).toEqual([]);
});

test('a streamed answer that comes after its caller left does not hold the handler', async () => {
  await using stage = await openStage();
  await stage.define(
    'tardy',
    `export const handler = awslambda.streamifyResponse(async (_event, stream) => {
       console.log('began');
       await new Promise((resolve) => setTimeout(resolve, 50));
       stream.write(Buffer.alloc(3_000_000));
       stream.end(() => console.log('ended'));
     });`,
  );
  const abort = new AbortController();
  const waiting = stage.lambda.invokeStreaming('tardy', {}, { signal: abort.signal });
  await stage.until(() => stage.lines.length === 1);

  abort.abort(new Error('gone'));

  await expect(waiting).rejects.toThrow('gone');
  await stage.until(() => stage.lines.length === 2);
});
