/** The WebSocket API: `socket`, and `relay` which runs what came by it. */
import { randomUUID } from 'node:crypto';
import { expect, type Scenario, type World } from '../scenario.ts';
import { connect } from './socket-client.ts';

const LARGE = 'import sys\nfor n in range(160): sys.stdout.write(str(n) * 20000 + "\\n")';

/** Takes input and is interrupted, all by message. */
export async function runByMessage(world: World, sandboxId: string): Promise<void> {
  using socket = await connect(world);
  socket.send('execution.start', {
    sandboxId,
    code: 'print(input(), flush=True); import time; time.sleep(60)',
    keepStdinOpen: true,
  });
  const { payload } = await socket.hear('execution.start');
  const { executionId } = payload;
  socket.send('execution.stdin', { executionId, seq: 1, text: 'line\n' });
  await socket.hear('execution.output');
  socket.send('execution.interrupt', { executionId });
  const complete = await socket.hear('execution.complete');
  expect(complete.payload['outcome'] === 'interrupted', JSON.stringify(complete));
}

export const socketScenarios: readonly Scenario[] = [
  {
    name: 'code runs by message, takes input and is interrupted',
    async run(world) {
      await runByMessage(world, await world.sandbox());
    },
  },
  {
    name: 'code runs by message, once for its key',
    async run(world) {
      const sandboxId = await world.sandbox();
      using socket = await connect(world);
      const idempotencyKey = randomUUID();
      socket.send('execution.start', { sandboxId, code: 'print(1)', idempotencyKey });
      await socket.hear('execution.complete');
      using again = await connect(world);
      again.send('execution.start', { sandboxId, code: 'print(1)', idempotencyKey });
      await again.hear('execution.start');
    },
  },
  {
    name: 'a sandbox is watched, and no longer',
    async run(world) {
      const sandboxId = await world.sandbox();
      using socket = await connect(world);
      socket.send('subscribe', { sandboxId });
      await socket.hear('ack');
      await world.run(sandboxId, 'print(1)');
      const { payload } = await socket.hear('execution.output');
      await socket.hear('execution.complete');
      socket.send('ack', { executionId: payload['executionId'], seq: 1 });
      socket.send('unsubscribe', { sandboxId });
      socket.send('system.ping', {});
      await socket.hear('system.pong');
    },
  },
  {
    name: 'a finished execution with much output is replayed',
    async run(world) {
      const sandboxId = await world.sandbox();
      const { id: executionId } = await world.run(sandboxId, LARGE, { Prefer: 'respond-async' });
      await world.until(async () => {
        const { data } = await world.call(`/executions/${String(executionId)}`);
        return data['status'] === 'finished';
      });
      using socket = await connect(world);
      socket.send('subscribe', { executionId });
      await socket.hear('execution.output', 'more');
    },
  },
  {
    name: 'much output by message is kept',
    async run(world) {
      const sandboxId = await world.sandbox();
      using socket = await connect(world);
      socket.send('execution.start', { sandboxId, code: LARGE });
      const { payload } = await socket.hear('execution.start');
      await world.until(async () => {
        const { data } = await world.call(`/executions/${String(payload['executionId'])}`);
        return data['status'] === 'finished';
      });
    },
  },
  {
    name: 'output that has expired cannot be replayed, and that is said',
    async run(world) {
      const sandboxId = await world.sandbox();
      const { id: executionId } = await world.run(sandboxId, LARGE, { Prefer: 'respond-async' });
      await world.until(async () => {
        const { data } = await world.call(`/executions/${String(executionId)}`);
        return data['status'] === 'finished';
      });
      await world.deleteSegments();
      using socket = await connect(world);
      socket.send('subscribe', { executionId });
      const heard = await socket.hear('error', 'execution.error');
      expect(JSON.stringify(heard).includes('CURSOR_EXPIRED'), JSON.stringify(heard));
    },
  },
  {
    name: 'a relay that died is replaced by who asks by message',
    async run(world) {
      const sandboxId = await world.sandbox();
      using socket = await connect(world);
      socket.send('execution.start', {
        sandboxId,
        code: 'import time\nfor n in range(60):\n    print(n, flush=True)\n    time.sleep(0.1)',
      });
      const { payload } = await socket.hear('execution.start');
      const { executionId } = payload;
      await world.control.endWorkers(world.functionNamed('relay'));
      using reader = await connect(world);
      await new Promise((resolve) => setTimeout(resolve, 1_600));
      reader.send('subscribe', { executionId });
      await reader.hear('execution.complete');
    },
  },
];
