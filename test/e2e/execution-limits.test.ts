/** Limits of one execution through the template: over the WebSocket, as JSON, and on record. */
import { CodeInterpreter, type Sandbox } from '@code-interpreter/sdk';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { api, target } from '../helpers/api.ts';

let sandbox: Sandbox;
beforeAll(async () => {
  const client = new CodeInterpreter({ baseUrl: target.baseUrl, apiKey: target.apiKey });
  sandbox = await client.createSandbox({ runtime: 'python' });
});
afterAll(() => sandbox.terminate());

const BURN = 'print("begun")\nwhile True: pass';
const limits = { cpuMs: 300, memoryMb: 1_000, outputBytes: 1_000, processes: 8, fileBytes: 5_000 };
const hit = { outcome: 'timeout', stdout: 'begun\n', metrics: { limit: 'cpu' } };

test('an execution is held to what its caller asks, and says what it was and used', async () => {
  const told = await sandbox.execute(BURN, { limits });
  expect(told).toMatchObject(hit);
  const { cpuUserMs = 0, cpuSystemMs = 0 } = told.metrics;
  expect(cpuUserMs + cpuSystemMs).toBeGreaterThanOrEqual(300);
  const { json } = await api(`/sandboxes/${sandbox.id}/execute`, { body: { code: BURN, limits } });
  expect(json.data).toMatchObject(hit);
  expect((await api(`/executions/${json.data.id}`)).json.data).toMatchObject(hit);
});

test('an execution says what it used', async () => {
  const { metrics } = await sandbox.execute('open("small", "w").write("x" * 4_000)', { limits });
  expect(metrics).toEqual({
    wallMs: expect.any(Number),
    cpuUserMs: expect.any(Number),
    cpuSystemMs: expect.any(Number),
    memoryPeakBytes: expect.any(Number),
    readBytes: expect.any(Number),
    writtenBytes: expect.any(Number),
  });
  expect(metrics.writtenBytes).toBeGreaterThanOrEqual(4_000);
});

test('a signal and a file that was too large stand in the metrics', async () => {
  const large = 'open("large", "wb").write(b"x" * 6_000_000)';
  const { metrics: file } = await sandbox.execute(large, { limits });
  expect(file.limit).toBe('file_size');
  const { metrics: killed } = await sandbox.execute('import os; os.kill(os.getpid(), 9)');
  expect(killed.signal).toBe('SIGKILL');
});

test('a limit that cannot be is refused by its name', async () => {
  const body = { code: '1', limits: { cpuMs: 0 } };
  const { status, json } = await api(`/sandboxes/${sandbox.id}/execute`, { body });
  expect(status).toBe(400);
  expect(JSON.stringify(json.error)).toContain('limits.cpuMs');
});
