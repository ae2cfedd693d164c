/** What is measured, told between the events of an execution: never at the cost of either. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Execution } from '../../../containers/agent/executions/execution.ts';
import { SpoolReader } from '../../../containers/agent/executions/spool-reader.ts';
import { SpoolStore } from '../../../containers/agent/executions/spool-store.ts';
import type { Reading } from '../../../containers/agent/metrics/readings.ts';
import { Sampler } from '../../../containers/agent/metrics/sampler.ts';
import { sendEvents } from '../../../containers/agent/server/event-stream.ts';
import type { ExecutionId } from '../../../contract/ids.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'event-stream-'));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true, force: true });
});

it('a sample that comes after the last event is not written any more', async () => {
  const store = await SpoolStore.open(folder, 1_000_000);
  const execution = new Execution({
    id: 'exec_test' as ExecutionId,
    store,
    outputBytes: 1_000,
    graceBytes: 1_000,
    onSpoolFailure: () => undefined,
  });
  execution.begin();
  execution.started();
  execution.finish({ outcome: 'ok', exitCode: 0, metrics: { wallMs: 1 } });
  const sampler = new Sampler({ read: async () => ({}) as Reading });
  // Closing the file of events takes a moment, in which the stream has ended and still listens.
  vi.spyOn(SpoolReader.prototype, 'close').mockImplementation(async () => {
    await sampler.sample();
  });
  const failures: unknown[] = [];
  const server = createServer((_, response) => {
    response.on('error', (error) => failures.push(error));
    const attach = () => () => undefined;
    void sendEvents(response, { execution, after: 0, keepaliveMs: 1_000, attach, sampler });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  const text = await (await fetch(`http://127.0.0.1:${port}`)).text();
  server.close();
  expect(text).toContain('"finished"');
  expect(sampler.last).toBeDefined();
  expect(failures).toEqual([]);
});
