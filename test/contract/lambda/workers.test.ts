import { expect, test } from 'vitest';
import { awaitGate, openStage } from './stage.ts';

const patient = { timeout: 10_000 };

const identify = `
  import { randomUUID } from 'node:crypto';
  const id = randomUUID();
  console.log('loaded');
  export const handler = async () => id;`;

test('an idle worker ends after its time, and the next event starts another', async () => {
  await using stage = await openStage({ idleMs: 30 });
  await stage.define('id', identify);

  const first = await stage.lambda.invoke('id', {});
  await expect.poll(() => stage.lambda.functions()[0]?.workers, patient).toEqual([]);
  const second = await stage.lambda.invoke('id', {});

  expect(second).not.toEqual(first);
});

test('prewarmed workers are loaded before any event and outlive the idle time', async () => {
  await using stage = await openStage({ idleMs: 10 });
  await stage.define(
    'gated',
    `console.log('loaded');
     export const handler = async () => { console.log('began'); ${awaitGate('gate')} };`,
  );
  const count = (line: string) => stage.lines.filter((entry) => entry.line === line).length;

  await stage.lambda.prewarm('gated', 2);
  const started = stage.lambda.functions()[0];
  const loadedAhead = count('loaded');
  const runs = [1, 2, 3].map(async () => stage.lambda.invoke('gated', {}));
  await stage.until(() => count('began') === 3);
  await stage.open('gate');
  await Promise.all(runs);

  expect(loadedAhead).toBe(2);
  expect(started).toMatchObject({ inits: 2, invocations: 0 });
  expect(started?.workers.map(({ state }) => state)).toEqual(['idle', 'idle']);
  // The third was started for the burst: it ends when idle, the other two stay.
  await expect.poll(() => stage.lambda.functions()[0]?.workers.length, patient).toBe(2);
  expect(stage.lambda.functions()[0]).toMatchObject({ inits: 3, invocations: 3 });
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
  await expect.poll(() => stage.lambda.functions()[0]?.workers, patient).toEqual([]);

  expect(await stage.lambda.invoke('mined', {})).toEqual({ payload: 1 });
});

test('close takes nothing new and waits for what runs', async () => {
  await using stage = await openStage();
  await stage.define(
    'gated',
    `export const handler = async () => { console.log('began'); ${awaitGate('gate')} return 'done'; };`,
  );
  const runs = stage.lambda.invoke('gated', {});
  await stage.until(() => stage.lines.length === 1);

  const closing = stage.lambda.close(60_000);
  const refused = stage.lambda.invoke('gated', {});
  await expect(refused).rejects.toMatchObject({ code: 'ServiceException' });
  await stage.open('gate');
  await closing;

  expect(await runs).toEqual({ payload: 'done' });
  expect(stage.lambda.functions()[0]?.workers).toEqual([]);
});

test('close ends what still runs after its time, and leaves no worker', async () => {
  await using stage = await openStage();
  await stage.define(
    'hangs',
    `export const handler = async () => { console.log('began'); await new Promise(() => {}); };`,
  );
  const hangs = stage.lambda.invoke('hangs', {});
  await stage.until(() => stage.lines.length === 1);

  await stage.lambda.close(20);

  expect(await hangs).toMatchObject({ error: { errorType: 'Runtime.ExitError' } });
  expect(stage.lambda.functions()[0]?.workers).toEqual([]);
});

test('close in the middle of prewarming starts no worker in the place of one that it ends', async () => {
  await using stage = await openStage({ startsAtOnce: 1 });
  await stage.define(
    'slow-to-load',
    `console.log('loads'); ${awaitGate('load')}; export const handler = async () => 'done';`,
  );
  const prewarming = stage.lambda.prewarm('slow-to-load', 3);
  await stage.until(() => stage.lines.length === 1);

  await stage.lambda.close();
  await prewarming;

  expect(stage.lambda.functions()[0]).toMatchObject({ workers: [], inits: 1 });
});

test('a worker that is killed while it loads takes along the event that it was started for', async () => {
  await using stage = await openStage({ startsAtOnce: 1, accountConcurrency: 1 });
  await stage.define(
    'never-loads',
    `console.log('loads'); ${awaitGate('never')}; export const handler = async () => 'done';`,
  );
  const run = stage.lambda.invoke('never-loads', {});
  await stage.until(() => stage.lines.length === 1);
  const [worker] = stage.lambda.functions()[0]?.workers ?? [];

  const ending = stage.lambda.terminateWorkers('never-loads', worker?.workerId);
  const next = stage.lambda.invoke('never-loads', {});
  await stage.until(() => stage.lines.length === 2);

  expect(await run).toMatchObject({ error: { errorType: 'Runtime.ExitError' } });
  await ending;
  await stage.lambda.terminateWorkers('never-loads');
  expect(await next).toMatchObject({ error: { errorType: 'Runtime.ExitError' } });
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

test('an event that waits for a worker to load goes to one that becomes free before', async () => {
  await using stage = await openStage({ startsAtOnce: 1 });
  await stage.define(
    'slow-to-load',
    `import { existsSync, writeFileSync } from 'node:fs';
     const mark = process.env.LAMBDA_TASK_ROOT + '/../loaded-once';
     if (existsSync(mark)) { console.log('loads again'); ${awaitGate('load')} }
     writeFileSync(mark, '');
     export const handler = async ({ gate }) => {
       console.log('began');
       if (gate) { ${awaitGate('first')} }
       return 'done';
     };`,
  );
  const first = stage.lambda.invoke('slow-to-load', { gate: true });
  await stage.until(() => stage.lines.some(({ line }) => line === 'began'));
  const second = stage.lambda.invoke('slow-to-load', {});
  await stage.until(() => stage.lines.some(({ line }) => line === 'loads again'));

  await stage.open('first');

  expect(await first).toEqual({ payload: 'done' });
  expect(await second).toEqual({ payload: 'done' });
  expect(stage.lambda.functions()[0]?.workers.map(({ state }) => state)).toEqual([
    'idle',
    'starting',
  ]);
  await stage.open('load');
});

test('an event whose worker cannot load fails, and those behind it try again', async () => {
  await using stage = await openStage({ startsAtOnce: 1 });
  await stage.define(
    'once-broken',
    `import { existsSync, writeFileSync } from 'node:fs';
     const mark = process.env.LAMBDA_TASK_ROOT + '/../broke-once';
     if (!existsSync(mark)) { writeFileSync(mark, ''); throw new Error('not yet'); }
     export const handler = async () => 'done';`,
  );

  const outcomes = await Promise.all(
    [1, 2].map(async () => stage.lambda.invoke('once-broken', {})),
  );

  expect(outcomes).toEqual([
    { error: expect.objectContaining({ errorMessage: expect.stringContaining('not yet') }) },
    { payload: 'done' },
  ]);
});
