/** What a sandbox uses, asked for and told between the events of an execution. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Measured, SampleList } from '../../../contract/agent/metrics.ts';
import { EventLine } from '../../../contract/events.ts';
import { startAgent, type TestAgent } from '../../helpers/agent.ts';

let agent: TestAgent;
beforeAll(async () => {
  agent = await startAgent({ driver: 'plain', env: { AGENT_SAMPLE_MS: '50' } });
});
afterAll(async () => {
  await agent?.[Symbol.asyncDispose]();
});

const samples = async (query = `fromMs=0&toMs=${Number.MAX_SAFE_INTEGER}`) =>
  SampleList.parse((await agent.call('GET', `/metrics?${query}`)).body).items;

it('are kept and answered, those of a time where one is named', async () => {
  await expect.poll(async () => (await samples()).length).toBeGreaterThan(2);
  const [first, second] = await samples();
  expect(second).toMatchObject({
    cpuCount: expect.any(Number),
    cpuPercent: expect.any(Number),
    memoryUsedBytes: expect.any(Number),
    memoryLimitBytes: expect.any(Number),
    diskUsedBytes: expect.any(Number),
    diskLimitBytes: expect.any(Number),
    networkReceivedBytes: expect.any(Number),
  });
  const atMs = Date.parse(first?.at ?? '');
  expect(await samples(`fromMs=${atMs}&toMs=${atMs}`)).toEqual([first]);
  expect((await agent.call('GET', '/metrics?fromMs=x&toMs=1')).status).toBe(400);
});

it('are told between the events of a stream that asked for them, and of no other', async () => {
  const id = await agent.start('import time\nfor n in range(20): print(n); time.sleep(0.02)');
  const lines = await linesOf(`/executions/${id}/events?after=0&epoch=1&metrics=1`);
  const measured = lines.filter((line): line is { measured: Measured } => 'measured' in line);
  expect(measured.length).toBeGreaterThan(0);
  expect(measured[0]?.measured.sample.memoryUsedBytes).toBeGreaterThan(0);
  const events = lines.filter((line) => 'seq' in line);
  expect(events).toEqual(await Array.fromAsync(agent.events(id)));
});

async function linesOf(path: string): Promise<EventLine[]> {
  const response = await fetch(`${agent.baseUrl}${path}`, {
    headers: { authorization: `Bearer ${agent.token}` },
  });
  const lines = (await response.text()).split('\n').filter((line) => line !== '');
  return lines.map((line) => EventLine.parse(JSON.parse(line)));
}
