/** `npm run smoke` against the local mode: green when all is well, red when an event is lost. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { api, target } from '../helpers/api.ts';
import { tool } from '../helpers/tools.ts';

const env = (baseUrl = target.baseUrl) => ({
  CODE_INTERPRETER_BASE_URL: baseUrl,
  CODE_INTERPRETER_API_KEY: target.apiKey,
  // Past a server that stands between, which speaks plain HTTP.
  ...(target.websocketUrl ? { CODE_INTERPRETER_WEBSOCKET_URL: target.websocketUrl } : {}),
});

const statusOf = async (id: string) => (await api(`/sandboxes/${id}`)).json.data.status;
const sandboxIn = (text: string) => /sb[a-z0-9]{20}/.exec(text)?.[0] ?? '';

/** The deployment behind a server that drops one event of the log when it is read again. */
async function losingOne() {
  const server = createServer((incoming, response) => {
    passOn(incoming, response).catch((error: unknown) => response.destroy(error as Error));
  });
  async function passOn(incoming: IncomingMessage, response: ServerResponse): Promise<unknown> {
    const { host: _, ...headers } = incoming.headers;
    const body = await Array.fromAsync(incoming as AsyncIterable<Buffer>);
    const answer = await fetch(`${new URL(target.baseUrl).origin}${incoming.url}`, {
      method: incoming.method ?? 'GET',
      headers: headers as Record<string, string>,
      ...(body.length === 0 ? {} : { body: Buffer.concat(body) }),
    });
    response.writeHead(answer.status, {
      'content-type': answer.headers.get('content-type') ?? 'application/json',
    });
    if (!/\/events\?/.test(incoming.url ?? '')) {
      for await (const part of answer.body ?? []) response.write(part);
      return response.end();
    }
    const page = JSON.parse(await answer.text());
    page.data.items.splice(1, 1);
    return response.end(JSON.stringify(page));
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}/api/v1`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test('a deployment that is well passes every step, and nothing is left', async () => {
  const told = await tool('smoke', [], { env: env() });
  expect(told.code, told.stdout + told.stderr).toBe(0);
  const steps = [...told.stdout.matchAll(/^ok +\d+\.\d\d s {2}(.{17})/gm)].map(([, name]) =>
    name?.trim(),
  );
  expect(steps).toEqual([
    'health',
    'create',
    'live output',
    'cut and resume',
    'file',
    'attack: secrets',
    'attack: ways out',
    'end',
  ]);
  expect(told.stdout).toMatch(/events, none lost: cut after \d+ and \d+/);
  expect(told.stdout).toMatch(/^cost .*about \$0\.00\d+: 60 s of a task, \d+ requests/m);
  expect(await statusOf(sandboxIn(told.stdout))).toBe('stopped');
  expect(told.stdout + told.stderr).not.toContain(target.apiKey);
});

test('a deployment that loses an event fails, says which, and nothing is left', async () => {
  await using lossy = await losingOne();
  const told = await tool('smoke', [], { env: env(lossy.baseUrl) });
  expect(told.code, told.stdout).toBe(1);
  expect(told.stdout).toMatch(
    /^FAILED .*cut and resume +events were lost: after seq \d+ came \d+$/m,
  );
  expect(told.stdout).toMatch(/clean up +terminated sb/);
  expect(await statusOf(sandboxIn(told.stdout))).toMatch(/^stopp/);
});

test('told to stop in the middle, it cleans up', async () => {
  const told = await tool('smoke', [], {
    env: env(),
    endAt: { sign: 'create', signal: 'SIGINT' },
  });
  expect(told.code, told.stdout).toBe(130);
  expect(told.stdout).toMatch(/^ended .*SIGINT came\n.*clean up +terminated sb/m);
  expect(await statusOf(sandboxIn(told.stdout))).toMatch(/^stopp/);
});

test('a key that nobody has fails at once, without a stack trace', async () => {
  const told = await tool('smoke', [], {
    env: { ...env(), CODE_INTERPRETER_API_KEY: `ci_${'0'.repeat(40)}` },
  });
  expect(told.code).toBe(1);
  expect(told.stdout).toMatch(/^FAILED .*health .*401 UNAUTHENTICATED/m);
  expect(told.stderr).toBe('');
});
