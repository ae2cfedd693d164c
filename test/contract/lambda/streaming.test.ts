import { InvokeWithResponseStreamCommand } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { awaitGate, openStage, type Stage } from './stage.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(async () => {
  await stage[Symbol.asyncDispose]();
});

const stateOf = (name: string) => stage.lambda.functions().find((f) => f.functionName === name)!;
const linesOf = (name: string) =>
  stage.lines.filter((line) => line.functionName === name).map(({ line }) => line);

/** What came over the wire: the bytes, and how the stream ended. */
async function readStream(name: string, payload: unknown = {}, onChunk = async () => {}) {
  const { EventStream } = await stage.client.send(
    new InvokeWithResponseStreamCommand({ FunctionName: name, Payload: JSON.stringify(payload) }),
  );
  const chunks: Uint8Array[] = [];
  let end: { ErrorCode?: string | undefined; ErrorDetails?: string | undefined } | undefined;
  for await (const event of EventStream ?? []) {
    if (event.PayloadChunk?.Payload) {
      chunks.push(event.PayloadChunk.Payload);
      await onChunk();
    }
    if (event.InvokeComplete) end = event.InvokeComplete;
  }
  return { bytes: Buffer.concat(chunks), end };
}

test('a raw stream arrives as written, and ends with a clean InvokeComplete', async () => {
  await stage.define(
    'raw',
    `export const handler = awslambda.streamifyResponse(async (event, stream) => {
       stream.write('hello '); stream.write(Buffer.from(event.name)); stream.write({ json: 1 }); stream.end('!');
     });`,
  );

  const { bytes, end } = await readStream('raw', { name: 'you' });

  expect(bytes.toString()).toBe('hello you{"json":1}!');
  expect(end).toBeDefined();
  expect(end?.ErrorCode).toBeUndefined();
});

test('an HTTP stream begins with its prelude and 8 NUL bytes when invoked directly', async () => {
  await stage.define(
    'http',
    `export const handler = awslambda.streamifyResponse(async (_event, stream) => {
       const http = awslambda.HttpResponseStream.from(stream, {
         statusCode: 201, headers: { 'content-type': 'text/plain', 'x-n': 1 }, cookies: ['a=b'],
       });
       http.write('body'); http.end();
     });`,
  );

  const { bytes } = await readStream('http');
  const inProcess = await stage.lambda.invokeStreaming('http', {});

  const [prelude, body] = bytes.toString().split('\0'.repeat(8));
  expect(JSON.parse(prelude!)).toMatchObject({ statusCode: 201, cookies: ['a=b'] });
  expect(body).toBe('body');
  expect(inProcess.prelude).toEqual({
    statusCode: 201,
    headers: { 'content-type': 'text/plain', 'x-n': '1' },
    cookies: ['a=b'],
  });
  expect(Buffer.concat(await inProcess.body.toArray()).toString()).toBe('body');
});

test('the prelude goes out before the first byte of the body is written', async () => {
  await stage.define(
    'early',
    `export const handler = awslambda.streamifyResponse(async (_event, stream) => {
       const http = awslambda.HttpResponseStream.from(stream, { statusCode: 200 });
       http.write('');
       await new Promise(() => {});
     });`,
  );

  const { prelude, body } = await stage.lambda.invokeStreaming('early', {});

  expect(prelude?.statusCode).toBe(200);
  body.destroy();
  await stage.lambda.terminateWorkers('early');
});

test('a stream that ends without a write sends no prelude, as on AWS', async () => {
  await stage.define(
    'empty',
    `export const handler = awslambda.streamifyResponse(async (_event, stream) => {
       awslambda.HttpResponseStream.from(stream, { statusCode: 204 }).end();
     });`,
  );

  const { prelude, body } = await stage.lambda.invokeStreaming('empty', {});

  expect(prelude).toBeUndefined();
  expect(await body.toArray()).toEqual([]);
});

test('a buffered handler can be streamed and a streamed one can be invoked whole', async () => {
  await stage.define('buffered', `export const handler = async () => ({ statusCode: 200 });`);

  const streamed = await stage.lambda.invokeStreaming('buffered', {});
  const whole = await stage.lambda.invoke('raw', { name: 'all' });

  expect(streamed.prelude).toBeUndefined();
  expect(Buffer.concat(await streamed.body.toArray()).toString()).toBe('{"statusCode":200}');
  expect(whole).toEqual({ payload: 'hello all{"json":1}!' });
});

const writer = `
  export const handler = awslambda.streamifyResponse(async ({ megabytes }, stream) => {
    const block = Buffer.alloc(64 * 1024, 7);
    let written = 0;
    while (written < megabytes * 1024 * 1024) {
      const ok = stream.write(block);
      written += block.byteLength;
      if (!ok && stream.writableNeedDrain) {
        console.log('held ' + written);
        await new Promise((resolve) => stream.once('drain', resolve));
      }
    }
    stream.end();
    console.log('wrote ' + written);
  });`;

test('a reader that stops holds the handler within a bounded window, and loses nothing', async () => {
  await stage.define('writer', writer);
  const { body } = await stage.lambda.invokeStreaming('writer', { megabytes: 50 });
  const heldAt = () => linesOf('writer').map((line) => Number(line.split(' ')[1]));

  // While no one reads, the last thing the handler says is that it waits.
  await stage.until(() => heldAt().some((written) => written >= 1024 * 1024));
  expect(Math.max(...heldAt())).toBeLessThanOrEqual(1.5 * 1024 * 1024);
  let size = 0;
  let sum = 0;
  for await (const bytes of body as AsyncIterable<Uint8Array>) {
    size += bytes.byteLength;
    sum += bytes[0]! + bytes.at(-1)!;
    // Never more than the window ahead of what was taken.
    expect(Math.max(...heldAt()) - size).toBeLessThanOrEqual(1.5 * 1024 * 1024);
  }

  expect(size).toBe(50 * 1024 * 1024);
  expect(sum % 14).toBe(0);
});

test('backpressure reaches through the front door to a slow SDK client', async () => {
  await stage.define('writer-http', writer);
  const { EventStream } = await stage.client.send(
    new InvokeWithResponseStreamCommand({
      FunctionName: 'writer-http',
      Payload: '{"megabytes":50}',
    }),
  );
  const events = EventStream![Symbol.asyncIterator]();
  let size = 0;

  await stage.until(() => linesOf('writer-http').length > 0);
  for (let n = 0; n < 5; n++)
    size += (await events.next()).value?.PayloadChunk?.Payload?.byteLength ?? 0;

  expect(size).toBeGreaterThan(0);
  expect(linesOf('writer-http').some((line) => line.startsWith('wrote'))).toBe(false);
  // Sockets and SDK buffer some; the rest of the 50 MB is not made before it is read.
  const written = Math.max(...linesOf('writer-http').map((line) => Number(line.split(' ')[1])));
  expect(written).toBeLessThan(20 * 1024 * 1024);
  await events.return?.();
});

test('when the reader leaves, the handler runs on to its end and nobody holds it', async () => {
  await stage.define('left-alone', writer);
  const { body } = await stage.lambda.invokeStreaming('left-alone', { megabytes: 20 });
  await stage.until(() => linesOf('left-alone').length > 0);

  body.destroy();

  await stage.until(() => linesOf('left-alone').some((line) => line.startsWith('wrote')));
});

test('an SDK client that leaves lets the handler run on, too', async () => {
  await stage.define('left-http', writer);
  const leaving = stage.connect();
  await leaving.send(
    new InvokeWithResponseStreamCommand({ FunctionName: 'left-http', Payload: '{"megabytes":50}' }),
  );

  leaving.destroy();

  await stage.until(() => linesOf('left-http').some((line) => line.startsWith('wrote')));
});

const breaksOff = (how: string) => `
  export const handler = awslambda.streamifyResponse(async (_event, stream) => {
    stream.write('first half');
    await new Promise((resolve) => setTimeout(resolve, 20));
    ${how}
  });`;

test.each([
  ['throws', `throw new RangeError('second half is missing');`, 'RangeError', /second half/],
  ['exits', `process.exit(1);`, 'Runtime.ExitError', /exit status 1/],
  ['hangs', `await new Promise(() => {});`, 'Sandbox.Timedout', /timed out after 0\.40/],
  ['forgets-to-end', ``, 'Sandbox.Timedout', /timed out/],
])(
  'a handler that %s in mid-stream ends it with an ErrorCode',
  async (name, how, code, details) => {
    await stage.define(`half-${name}`, breaksOff(how), { timeoutSeconds: 0.4 });

    const { bytes, end } = await readStream(`half-${name}`);

    expect(bytes.toString()).toBe('first half');
    expect(end?.ErrorCode).toBe(code);
    expect(end?.ErrorDetails).toMatch(details);
  },
);

test('a worker killed in mid-stream ends the stream with an ErrorCode, after what was sent', async () => {
  await stage.define('killed', breaksOff('await new Promise(() => {});'));

  const { bytes, end } = await readStream('killed', {}, async () => {
    const [worker] = stateOf('killed').workers;
    expect(await stage.lambda.terminateWorkers('killed', worker!.workerId)).toEqual([
      worker!.workerId,
    ]);
  });

  expect(bytes.toString()).toBe('first half');
  expect(end).toMatchObject({ ErrorCode: 'Runtime.ExitError' });
  expect(end?.ErrorDetails).toMatch(/signal: killed/);
  expect(stateOf('killed').workers).toEqual([]);
});

test('in process, a failure in mid-stream destroys the body after its last byte', async () => {
  const { body } = await stage.lambda.invokeStreaming('half-throws', {});
  const chunks: Uint8Array[] = [];

  const reading = (async () => {
    for await (const bytes of body as AsyncIterable<Uint8Array>) chunks.push(bytes);
  })();

  await expect(reading).rejects.toMatchObject({
    functionError: { errorType: 'RangeError' },
  });
  expect(Buffer.concat(chunks).toString()).toBe('first half');
});

test('a failure before the first byte rejects in process and is an ErrorCode over the wire', async () => {
  await stage.define(
    'stillborn',
    `export const handler = awslambda.streamifyResponse(async () => { throw new Error('no'); });`,
  );

  await expect(stage.lambda.invokeStreaming('stillborn', {})).rejects.toMatchObject({
    functionError: { errorType: 'Error', errorMessage: 'no' },
  });
  expect(await readStream('stillborn')).toMatchObject({ end: { ErrorCode: 'Error' } });
});

test('a handler may end its response and run on: the caller has it at once, the worker stays busy', async () => {
  await stage.define(
    'relay',
    `export const handler = awslambda.streamifyResponse(async (_event, stream) => {
       stream.write('accepted'); stream.end();
       ${awaitGate('relay-gate')}
       console.log('ran on');
     });`,
  );

  const { bytes, end } = await readStream('relay');

  expect(bytes.toString()).toBe('accepted');
  expect(end?.ErrorCode).toBeUndefined();
  expect(linesOf('relay')).toEqual([]);
  expect(stateOf('relay').workers).toMatchObject([{ state: 'busy' }]);
  await stage.open('relay-gate');
  await stage.until(() => linesOf('relay').includes('ran on'));
});

test('a handler that runs on past its timeout loses its worker, not the answer it gave', async () => {
  await stage.define(
    'runs-too-long',
    `export const handler = awslambda.streamifyResponse(async (_event, stream) => {
       stream.end('answered'); await new Promise(() => {});
     });`,
    { timeoutSeconds: 0.3 },
  );

  const { bytes, end } = await readStream('runs-too-long');
  await expect.poll(() => stateOf('runs-too-long').workers, { timeout: 10_000 }).toEqual([]);

  expect(bytes.toString()).toBe('answered');
  expect(end?.ErrorCode).toBeUndefined();
});

test('a chunk written alone arrives while the handler waits for more to say', async () => {
  await stage.define(
    'drips',
    `export const handler = awslambda.streamifyResponse(async (_event, stream) => {
       stream.write('tick'); await new Promise(() => {});
     });`,
  );
  const { body } = await stage.lambda.invokeStreaming('drips', {});

  const first = await body.iterator({ destroyOnReturn: false }).next();

  expect(String(first.value)).toBe('tick');
  await stage.lambda.terminateWorkers('drips');
});

test('what a handler throws after it ended its response does not touch the response', async () => {
  await stage.define(
    'late-throw',
    `export const handler = awslambda.streamifyResponse(async (_event, stream) => {
       stream.write('whole'); await new Promise((resolve) => stream.end(resolve)); throw new Error('afterwards');
     });`,
  );

  const { bytes, end } = await readStream('late-throw');

  expect(bytes.toString()).toBe('whole');
  expect(end?.ErrorCode).toBeUndefined();
  await stage.until(() => linesOf('late-throw').some((line) => line.includes('afterwards')));
});

test('an unknown function and a throttle are refused before any frame', async () => {
  await stage.define('shut', `export const handler = async () => 1;`, { reservedConcurrency: 0 });

  await expect(readStream('nobody')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  await expect(readStream('shut')).rejects.toMatchObject({ name: 'TooManyRequestsException' });
});

test('a client that leaves before the answer begins does not hold the handler', async () => {
  await stage.define(
    'tardy-http',
    `export const handler = awslambda.streamifyResponse(async (_event, stream) => {
       console.log('began');
       ${awaitGate('tardy-gate')}
       stream.write(Buffer.alloc(3_000_000));
       stream.end(() => console.log('ended'));
     });`,
  );
  const leaving = stage.connect();
  const answer = leaving.send(new InvokeWithResponseStreamCommand({ FunctionName: 'tardy-http' }));
  answer.catch(() => {});
  await stage.until(() => linesOf('tardy-http').includes('began'));

  leaving.destroy();
  await expect(answer).rejects.toThrow();
  await stage.open('tardy-gate');

  await stage.until(() => linesOf('tardy-http').includes('ended'));
});
