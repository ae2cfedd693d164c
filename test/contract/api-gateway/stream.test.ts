import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiFixture, route, startApi } from './fixture.ts';

const prelude =
  'const s = awslambda.HttpResponseStream.from(stream, { statusCode: 201, headers: { "content-type": "text/event-stream", "x-a": "1" }, cookies: ["c=1"] });';
/** Waits until the test has written the file. */
const untilFile = `
  const { existsSync } = await import("node:fs");
  while (!existsSync(process.env.DIRECTORY + "/go")) await new Promise((resolve) => setTimeout(resolve, 2));`;

const handlers = {
  waits: `stream:${prelude} s.write("first\\n"); ${untilFile} s.end("last\\n");`,
  headOnly: `stream:${prelude} s.write(""); await new Promise((resolve) => setTimeout(resolve, 100)); s.end("late");`,
  breaks: `stream:${prelude} s.write("first\\n"); await new Promise((resolve) => setTimeout(resolve, 20)); throw new Error("broke");`,
  breaksFirst: 'stream:throw new Error("broke before a byte");',
  plain: 'return { statusCode: 200, body: "unwrapped" };',
  silent: `stream:${prelude} s.write("first\\n"); await new Promise(() => {});`,
  talks: `stream:${prelude} setInterval(() => s.write("again\\n"), 20); await new Promise(() => {});`,
  floods: `stream:${prelude}
    const { writeFileSync } = await import("node:fs");
    const block = Buffer.alloc(65536, 97);
    for (let n = 1; n <= 640; n += 1) {
      if (!s.write(block)) await new Promise((resolve) => s.once("drain", resolve));
      writeFileSync(process.env.DIRECTORY + "/written", String(n));
    }
    s.end();`,
};

let api: ApiFixture;

beforeAll(async () => {
  api = await startApi({
    handlers,
    methods: [
      ...Object.keys(handlers).map((name) => route(`GET /${name}`, name, { transfer: 'STREAM' })),
      // Long enough for a worker to start on a busy machine.
      route('GET /total', 'talks', { transfer: 'STREAM', timeoutMs: 2_000 }),
    ],
    streamIdleMs: 200,
  });
});

afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

async function open(path: string): Promise<IncomingMessage> {
  const call = request(`${api.url}${path}`).end();
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  return response;
}

describe('a streamed answer', () => {
  it('arrives piece by piece, before the function has ended', async () => {
    const response = await open('/waits');
    expect([response.statusCode, response.headers['x-a']]).toEqual([201, '1']);
    expect(response.headers['set-cookie']).toEqual(['c=1']);
    const chunks = response[Symbol.asyncIterator]();
    expect(String((await chunks.next()).value)).toBe('first\n');
    await writeFile(join(api.directory, 'go'), '');
    expect(String((await chunks.next()).value)).toBe('last\n');
    expect((await chunks.next()).done).toBe(true);
  });

  it('shows its head as soon as the function has sent it', async () => {
    const response = await open('/headOnly');
    expect(response.statusCode).toBe(201);
    expect(Buffer.concat(await Array.fromAsync(response as AsyncIterable<Buffer>)).toString()).toBe(
      'late',
    );
  });

  it('that breaks off breaks the connection', async () => {
    const response = await open('/breaks');
    const read = Array.fromAsync(response as AsyncIterable<Buffer>);
    await expect(read).rejects.toThrow(/aborted/);
  });

  it.each([
    ['says nothing for too long', 'silent'],
    ['takes longer than its method allows', 'total'],
  ])('that %s is cut', async (_what, name) => {
    const response = await open(`/${name}`);
    await expect(Array.fromAsync(response as AsyncIterable<Buffer>)).rejects.toThrow(/aborted/);
  });

  it.each(['breaksFirst', 'plain'])('without a prelude is a 502 (%s)', async (name) => {
    const response = await fetch(`${api.url}/${name}`);
    expect(response.status).toBe(502);
    expect(await response.json()).toEqual({ message: 'Internal server error' });
  });

  it('goes no faster than its reader: a function that floods is held back', async () => {
    const response = await open('/floods');
    await once(response, 'readable');
    // The function may not have begun to count.
    const written = () => readFile(join(api.directory, 'written'), 'utf8').then(Number, () => 0);
    // Held back: the count stands still while nobody reads.
    let last = -1;
    while ((await written()) !== last) {
      last = await written();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(last).toBeLessThan(400);
    let length = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) length += chunk.length;
    expect(length).toBe(640 * 65_536);
  });

  it('whose reader leaves frees its function', async () => {
    const response = await open('/floods');
    await once(response, 'readable');
    response.destroy();
    const busy = () =>
      api.lambda
        .functions()
        .find(({ functionName }) => functionName === 'floods')
        ?.workers.some(({ state }) => state === 'busy') ?? true;
    while (busy()) await new Promise((resolve) => setImmediate(resolve));
  });
});

describe('a gateway that closes', () => {
  it('lets a request that runs end within the grace, and takes no other', async () => {
    const closing = await startApi({
      handlers: {
        slow: 'await new Promise((resolve) => setTimeout(resolve, 100)); return { body: "done" };',
      },
      methods: [route('GET /slow', 'slow')],
    });
    await closing.lambda.prewarm('slow', 1);
    const answer = fetch(`${closing.url}/slow`);
    const isBusy = () => closing.lambda.functions()[0]?.workers[0]?.state === 'busy';
    while (!isBusy()) await new Promise((resolve) => setImmediate(resolve));
    const closed = closing.server.close(5000);
    expect(await (await answer).text()).toBe('done');
    await closed;
    await expect(fetch(`${closing.url}/slow`)).rejects.toThrow();
    await closing[Symbol.asyncDispose]();
  });
});
