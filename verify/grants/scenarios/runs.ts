/** Code that is run once, in a sandbox of its own: `executions`, and the lives that it begins and ends. */
import { randomUUID } from 'node:crypto';
import { expect, type Scenario } from '../scenario.ts';
import { isPoolFull } from '../world.ts';
import { refuse } from './refuse.ts';

const BODY = {
  language: 'python',
  code: 'open("out", "w").write(open("in").read() * 2)',
  files: [{ path: 'in', text: 'ab' }],
  outputFiles: ['out'],
};

export const runScenarios: readonly Scenario[] = [
  {
    name: 'code is run once: files in, files out, and its sandbox ends',
    async run(world) {
      const headers = { 'Idempotency-Key': randomUUID() };
      const { data } = await world.call('/run', { body: BODY, headers }, 200);
      expect(JSON.stringify(data['files']).includes('abab'), 'the file came out');
      await world.untilStatus(String(data['sandboxId']), 'stopped');
      const again = await world.call('/run', { body: BODY, headers }, 200);
      expect(again.data['id'] === data['id'], 'the same execution is answered');
    },
  },
  {
    name: 'a run is followed by a refill at once',
    async run(world) {
      await world.call('/run', { body: BODY }, 200);
      await world.until(() => isPoolFull(world));
    },
  },
  {
    name: 'a run that its sandbox’s life waits for ends that life at once',
    async run(world) {
      // By its end the life waits for word of it. A relay lives 4 s here.
      const code = 'import time; time.sleep(2.5)';
      const { data } = await world.call('/run', { body: { language: 'python', code } }, 200);
      await world.untilStatus(String(data['sandboxId']), 'stopped');
    },
  },
  {
    name: 'a run whose sandbox cannot be prepared is given up',
    async run(world) {
      const dial = { service: 'lambda', action: 'InvokeWithResponseStream', name: 'executions' };
      await refuse(world, dial);
      await world.call('/run', { body: BODY }, 503);
    },
  },
];
