/** Processes and who reads them: `sandboxes`, `relay`, and `lifecycle` for what nobody has read at the end. */
import { expect, type Scenario, type World } from '../scenario.ts';
import { connect } from './socket-client.ts';

const start = async (world: World, sandboxId: string, command: string) => {
  const { data } = await world.call(`/sandboxes/${sandboxId}/processes`, { body: { command } });
  return { pid: String(data['pid']), executionId: String(data['executionId']) };
};

export const processScenarios: readonly Scenario[] = [
  {
    name: 'a process is heard by who watches its sandbox',
    async run(world) {
      const sandboxId = await world.sandbox();
      using socket = await connect(world);
      socket.send('subscribe', { sandboxId });
      await socket.hear('ack');
      await start(world, sandboxId, 'echo hi');
      await socket.hear('execution.complete');
    },
  },
  {
    name: 'what a process printed and nobody read is kept at the end of its sandbox',
    async run(world) {
      const sandboxId = await world.sandbox();
      const { pid, executionId } = await start(world, sandboxId, 'echo kept; exec sleep 60');
      await world.call(`/sandboxes/${sandboxId}/processes`);
      const signal = { body: { signal: 'SIGWINCH' } };
      await world.call(`/sandboxes/${sandboxId}/processes/${pid}/signal`, signal);
      await world.call(`/sandboxes/${sandboxId}`, { method: 'DELETE' });
      await world.untilStatus(sandboxId, 'stopped');
      await world.until(async () => {
        const { data } = await world.call(`/executions/${executionId}/events?after=0&waitMs=1000`);
        if (data['finished'] !== true) return false;
        expect(JSON.stringify(data).includes('kept'), JSON.stringify(data));
        return true;
      });
    },
  },
];
