/** What goes wrong with tasks and limits, and what is done about it: `sandboxes`, `lifecycle`, `task-events`, `pool`. */
import { expect, type Scenario } from '../scenario.ts';
import { LAUNCHED } from './lives.ts';
import { refuse } from './refuse.ts';

const SHORT = { runtime: 'python', lifetimeMs: 10_000 };

export const repairScenarios: readonly Scenario[] = [
  {
    name: 'tasks whose agents cannot be prepared are stopped, and the creation is given up',
    async run(world) {
      const dial = { service: 'lambda', action: 'InvokeWithResponseStream', name: 'sandboxes' };
      await refuse(world, dial);
      await world.call('/sandboxes', { body: { runtime: 'python' } }, 503);
    },
  },
  {
    name: 'a task that no launch asks for is stopped',
    async run(world) {
      const [taskArn = ''] = await world.tasks();
      const running = { lastStatus: 'RUNNING', desiredStatus: 'RUNNING' };
      const startedBy = `ln${'0'.repeat(20)}`;
      const networkInterfaces = [{ privateIpv4Address: '10.0.0.1' }];
      await world.sendEvent('task-events', {
        detail: { taskArn, startedBy, ...running, containers: [{ networkInterfaces }] },
      });
      await world.until(async () => !(await world.tasks()).includes(taskArn));
    },
  },
  {
    name: 'a launch that is refused is told as such',
    async run(world) {
      await refuse(world, { service: 'ecs', action: 'RunTask', name: 'lifecycle' });
      const steps = () => world.control.invocationsOf(world.functionNamed('lifecycle'));
      const before = await steps();
      const { data } = await world.call('/sandboxes', { body: { runtime: 'python', ...LAUNCHED } });
      const { endReason } = await world.untilStatus(String(data['id']), 'failed');
      expect(endReason === 'launch_failed', `ended for ${String(endReason)}`);
      // A step that failed without a word would be tried again.
      const taken = (await steps()) - before;
      expect(taken === 2, `${taken} steps, not the launch and the end`);
    },
  },
  {
    name: 'a free task that stops is replaced at once',
    async run(world) {
      // Else the pool's minute would replace it too.
      await refuse(world, { service: 'ecs', action: 'ListTasks', name: 'pool' });
      const before = await world.tasks();
      expect(before.length > 0, 'the pool has tasks');
      await world.stopTasks();
      await world.until(async () => {
        const now = await world.tasks();
        return now.filter((task) => !before.includes(task)).length >= before.length;
      });
    },
  },
  {
    name: 'a tenant has as many sandboxes as it may',
    async run(world) {
      const made = await world.invoke('account', {
        action: 'createTenant',
        name: 'verify',
        limits: { liveSandboxes: 1 },
      });
      const { apiKey } = (made as { data: { apiKey: string } }).data;
      const { data } = await world.call('/sandboxes', { apiKey, body: SHORT });
      await world.call('/sandboxes', { apiKey, body: SHORT }, 429);
      await world.call(`/sandboxes/${String(data['id'])}`, { apiKey, method: 'DELETE' });
    },
  },
  {
    name: 'once a day the functions inside the networks are woken',
    async run(world) {
      const names = ['agent-gateway', 'agent-gateway-open'].map(world.functionNamed);
      const invocations = () => Promise.all(names.map(world.control.invocationsOf));
      const before = await invocations();
      await world.invoke('pool', { task: 'daily' });
      const after = await invocations();
      for (const [at, name] of names.entries())
        expect((after[at] ?? 0) > (before[at] ?? 0), `${name} was not invoked`);
    },
  },
];
