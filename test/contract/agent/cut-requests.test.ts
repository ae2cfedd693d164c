/** Callers that leave before a file operation has begun hold nothing of the sandbox. */
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileFilesHelper } from '../../../containers/launcher/compile.ts';
import { startAgent, type TestAgent } from '../../helpers/agent.ts';
import { shape } from '../../helpers/agent-process.ts';

/** More than may run at a time. */
const CALLERS = 20;

describe.skipIf(shape.shape !== 'host')('a request that is cut before its helper is ready', () => {
  let folder: string;
  let agent: TestAgent;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'late-helper-'));
    const late = join(folder, 'late');
    const helper = await compileFilesHelper(folder);
    await writeFile(late, `#!/bin/sh\nsleep 0.2\nexec ${helper} "$@"\n`);
    await chmod(late, 0o755);
    agent = await startAgent({ driver: 'plain', env: { AGENT_FILES_HELPER: late } });
  });
  afterAll(async () => {
    await agent[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  it.each([
    ['PUT', '/files', ['content-type: application/octet-stream']],
    ['POST', '/e2b/envd/files', ['content-type: application/octet-stream']],
    [
      'POST',
      '/e2b/envd/files',
      ['content-type: application/octet-stream', 'content-encoding: gzip'],
    ],
  ])('ends it: %s %s, %s', async (method, path, headers) => {
    const { hostname, port } = new URL(agent.baseUrl);
    for (let caller = 0; caller < CALLERS; caller += 1) {
      const socket = connect(Number(port), hostname);
      await once(socket, 'connect');
      socket.write(
        [
          `${method} ${path}?path=cut-${caller} HTTP/1.1`,
          `host: ${hostname}`,
          `authorization: Bearer ${agent.token}`,
          `x-access-token: ${agent.token}`,
          ...headers,
          'content-length: 1000',
          '',
          'part',
        ].join('\r\n'),
      );
      await pause(10);
      socket.destroy();
    }
    await expect
      .poll(async () => (await agent.call('GET', '/files/list?path=.')).status, { timeout: 5_000 })
      .toBe(200);
    // Not because the last ones are only about to begin.
    await pause(500);
    const lists = Array.from({ length: 8 }, () => agent.call('GET', '/files/list?path=.'));
    expect((await Promise.all(lists)).map(({ status }) => status)).toEqual(lists.map(() => 200));
  });
});
