/** Relays and their readers on the WebSocket, on their rarer ways: `relay`, and `executions` which relays too. */
import { expect, type Scenario, type World } from '../scenario.ts';
import { refuse } from './refuse.ts';
import { connect } from './socket-client.ts';

/** Longer than a relay lives here. */
const SLOW = 'import time\nfor n in range(60):\n    print(n, flush=True)\n    time.sleep(0.1)';
/** More than is kept in rows or in memory; then it goes on. */
const LARGE =
  'import sys, time\nfor n in range(160): sys.stdout.write(str(n) * 20000 + "\\n")\nsys.stdout.flush()\ntime.sleep(20)';
const LAST = '159'.repeat(100);

/** Until the log has all that is printed. */
async function untilLogged({ call, until }: World, executionId: string): Promise<void> {
  let after = 0;
  await until(async () => {
    const { data } = await call(`/executions/${executionId}/events?after=${after}&waitMs=1000`);
    after = Number(data['nextCursor']);
    return JSON.stringify(data).includes(LAST);
  });
}

export const relayScenarios: readonly Scenario[] = [
  {
    name: 'a relay hands over to a relay',
    async run(world) {
      const sandboxId = await world.sandbox();
      // Else the pool's minute might ask for the next one.
      await refuse(world, { service: 'lambda', action: 'Invoke', name: 'pool' });
      using socket = await connect(world);
      socket.send('execution.start', { sandboxId, code: SLOW });
      const { payload } = await socket.hear('execution.complete');
      expect(payload['outcome'] === 'ok', JSON.stringify(payload));
    },
  },
  {
    name: 'a relay tells a reader of output that is no longer kept',
    async run(world) {
      const sandboxId = await world.sandbox();
      using socket = await connect(world);
      socket.send('execution.start', { sandboxId, code: LARGE });
      const { payload } = await socket.hear('execution.start');
      const executionId = String(payload['executionId']);
      await untilLogged(world, executionId);
      await world.deleteSegments();
      using reader = await connect(world);
      reader.send('subscribe', { executionId });
      const { payload: told } = await reader.hear('execution.error');
      expect(JSON.stringify(told).includes('CURSOR_EXPIRED'), JSON.stringify(told));
    },
  },
  {
    name: 'a relay replays what a reader has missed',
    async run(world) {
      const sandboxId = await world.sandbox();
      using socket = await connect(world);
      socket.send('execution.start', { sandboxId, code: LARGE });
      const { payload } = await socket.hear('execution.start');
      const executionId = String(payload['executionId']);
      await untilLogged(world, executionId);
      using reader = await connect(world);
      reader.send('subscribe', { executionId });
      await reader.hear('execution.output');
    },
  },
  {
    name: 'a connection that went unseen is forgotten by who posts to it',
    async run(world) {
      await forgets(world, (sandboxId) => world.run(sandboxId, 'print(1)'));
    },
  },
  {
    name: 'a connection that went unseen is forgotten by a relay that posts to it',
    async run(world) {
      await forgets(world, async (sandboxId) => {
        using socket = await connect(world);
        socket.send('execution.start', { sandboxId, code: 'print(1)' });
        await socket.hear('execution.complete');
      });
    },
  },
];

/** With all that it had subscribed to, though only one of these prints. */
async function forgets(
  world: World,
  print: (sandboxId: string) => Promise<unknown>,
): Promise<void> {
  const [sandboxId, silent] = [await world.sandbox(), await world.sandbox()];
  const socket = await connect(world);
  for (const id of [sandboxId, silent]) {
    socket.send('subscribe', { sandboxId: id });
    await world.until(async () => (await world.subscribersOf(id)) === 1);
  }
  await refuse(world, { service: 'dynamodb', action: 'Query', name: 'socket' });
  socket[Symbol.dispose]();
  // Its end has been told, and could not be recorded.
  await world.until(async () => (await world.control.strikes()) > 0);
  expect((await world.subscribersOf(silent)) === 1, 'it is still on record');
  await world.control.clearFaults();
  await print(sandboxId);
  await world.until(async () => (await world.subscribersOf(silent)) === 0);
}
