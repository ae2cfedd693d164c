/** Sandboxes from creation to end: `sandboxes`, `lifecycle`, `task-events`, `pool`, the state machine. */
import { randomUUID } from 'node:crypto';
import { expect, type Scenario, type World } from '../scenario.ts';
import { isPoolFull } from '../world.ts';
import { refuse } from './refuse.ts';

/** Of no pool's size. */
export const LAUNCHED = { resources: { cpu: 0.5, memoryMb: 1024 } };

const end = async ({ call, untilStatus }: World, id: string): Promise<void> => {
  await call(`/sandboxes/${id}`, { method: 'DELETE' });
  await untilStatus(id, 'stopped');
};

export const lifeScenarios: readonly Scenario[] = [
  {
    name: 'a sandbox is created once, listed, changed, ended',
    async run(world) {
      const headers = { 'Idempotency-Key': randomUUID() };
      const body = { runtime: 'python' };
      const first = await world.call('/sandboxes', { body, headers }, 201, 202);
      const again = await world.call('/sandboxes', { body, headers });
      const id = String(first.data['id']);
      expect(again.data['id'] === id, 'the same sandbox is answered');
      await world.untilStatus(id, 'running');
      await world.call('/sandboxes?limit=5');
      await world.call(`/sandboxes/${id}`, {
        method: 'PATCH',
        body: { lifetimeMs: 600_000, name: 'kept' },
      });
      await world.call(`/sandboxes/${id}`, { method: 'PATCH', body: { lifetimeMs: 60_000 } });
      await end(world, id);
    },
  },
  {
    name: 'the service is ready, and so are its pools',
    async run(world) {
      await world.call('/ready');
      expect(await isPoolFull(world), 'the pool is full');
    },
  },
  {
    name: 'a claim is followed by a refill at once',
    async run(world) {
      const id = await world.sandbox();
      await world.until(() => isPoolFull(world));
      await end(world, id);
    },
  },
  {
    name: 'a size that no pool has is launched',
    async run(world) {
      await end(world, await world.sandbox(LAUNCHED));
    },
  },
  {
    name: 'a launch is given up in the middle',
    async run(world) {
      const { data } = await world.call('/sandboxes', { body: { runtime: 'python', ...LAUNCHED } });
      await end(world, String(data['id']));
    },
  },
  {
    name: 'a life expires by itself',
    async run(world) {
      const id = await world.sandbox({ lifetimeMs: 10_000 });
      await world.untilStatus(id, 'stopped');
    },
  },
  {
    name: 'a life that cannot be started is started by the pool’s minute',
    async run(world) {
      await refuse(world, { service: 'states', action: 'StartExecution', name: 'sandboxes' });
      const asked = await world.call('/sandboxes', { body: { runtime: 'python' } }, 201, 202, 500);
      await world.control.clearFaults();
      const { data } = await world.call('/sandboxes?limit=1');
      const [item] = data['items'] as { id: string }[];
      const made = asked.data['id'];
      const id = typeof made === 'string' ? made : (item?.id ?? '');
      await world.ageSandbox(id);
      await world.invoke('pool', { task: 'minute' });
      await end(world, id);
    },
  },
  {
    name: 'an end that was not told is told by the pool’s minute',
    async run(world) {
      const id = await world.sandbox();
      await refuse(world, { service: 'events', action: 'PutEvents', name: 'lifecycle' });
      await end(world, id);
      // It is told after the record says that it has stopped.
      await world.until(() => world.control.isQuiet());
      await world.control.clearFaults();
      await world.ageOutbox();
      const before = await world.outboxSize();
      expect(before > 0, 'an event is left in the outbox');
      await world.invoke('pool', { task: 'minute' });
      expect((await world.outboxSize()) < before, 'the event has left the outbox');
    },
  },
  {
    name: 'an end is told at once',
    async run(world) {
      // Else the pool's minute would tell it.
      await refuse(world, { service: 'events', action: 'PutEvents', name: 'pool' });
      const before = await world.outboxSize();
      await end(world, await world.sandbox());
      await world.until(async () => (await world.outboxSize()) <= before);
    },
  },
  {
    name: 'a sandbox whose task stops ends, and its seat is filled again',
    async run(world) {
      const id = await world.sandbox();
      await world.until(() => isPoolFull(world));
      await world.stopTasks();
      await world.untilStatus(id, 'stopped').catch((error: unknown) => {
        if (!String(error).includes('task_died')) throw error;
      });
      await world.until(() => isPoolFull(world));
    },
  },
  {
    name: 'everything is stopped, and goes on',
    async run(world) {
      const id = await world.sandbox();
      // Its life waits then, and is told by its token.
      await world.until(() => world.control.isQuiet());
      const told = JSON.stringify(await world.invoke('pool', { task: 'stopAll', hard: true }));
      await world.invoke('pool', { task: 'resume' });
      expect(told.includes('"failed":[]'), told);
      await world.until(async () => {
        const { data } = await world.call(`/sandboxes/${id}`);
        return data['status'] === 'stopped';
      });
      await world.until(() => isPoolFull(world));
    },
  },
];
