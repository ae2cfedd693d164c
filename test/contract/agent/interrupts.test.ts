/** An interrupt that comes as early as it can: after the start was answered, before the code's first line. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { newId, startAgent, type TestAgent } from '../../helpers/agent.ts';

let agent: TestAgent;
beforeAll(async () => {
  agent = await startAgent();
});
afterAll(() => agent[Symbol.asyncDispose]());

it.each([
  ['python', 'kept = 7', 'import time; time.sleep(60)', 'print(kept)'],
  ['javascript', 'kept = 7', 'while (true) {}', 'console.log(kept)'],
  ['typescript', 'kept = 7', 'while (true) {}', 'console.log(kept)'],
  ['bash', 'kept=7', 'sleep 60', 'echo $kept'],
])('ends a run in %s, which keeps its state', async (language, set, code, show) => {
  const contextId = newId('cx');
  await agent.call('POST', '/contexts', { contextId, language });
  const inIt = { contextId, language };
  await agent.run(set, inIt);
  for (let again = 0; again < 10; again += 1) {
    const id = await agent.start(code, inIt);
    await agent.call('POST', `/executions/${id}/interrupt`);
    const { finished } = await agent.result(id);
    expect(finished).toMatchObject({ outcome: 'interrupted' });
  }
  expect((await agent.run(show, inIt)).stdout).toBe('7\n');
});
