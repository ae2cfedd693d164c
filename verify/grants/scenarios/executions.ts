/** Code and its output, by REST: `executions`, `sandboxes`, `relay`. */
import { expect, type Scenario, type World } from '../scenario.ts';

const LARGE = 'import sys\nfor n in range(160): sys.stdout.write(str(n) * 20000 + "\\n")';
const SLOW = 'import time\nfor n in range(60):\n    print(n, flush=True)\n    time.sleep(0.1)';

const RESPOND_ASYNC = { Prefer: 'respond-async' };

const readAll = async ({ call }: World, executionId: string): Promise<string> => {
  let text = '';
  for (let after = 0; ; ) {
    const { data } = await call(`/executions/${executionId}/events?after=${after}&waitMs=3000`);
    for (const event of data['items'] as { type: string; text?: string }[])
      text += event.text ?? '';
    after = Number(data['nextCursor']);
    if (data['finished'] === true) return text;
  }
};

const numbers = (text: string): number => text.trim().split('\n').length;

export const executionScenarios: readonly Scenario[] = [
  {
    name: 'code runs, in contexts too, and is listed',
    async run(world) {
      const id = await world.sandbox();
      const { outcome } = await world.run(id, 'print(1 + 1)');
      expect(outcome === 'ok', `outcome ${String(outcome)}`);
      const { data } = await world.call(`/sandboxes/${id}/contexts`, {
        body: { language: 'python' },
        headers: { 'Idempotency-Key': id },
      });
      await world.call(`/sandboxes/${id}/contexts`);
      await world.call(`/sandboxes/${id}/contexts/${String(data['id'])}`, { method: 'DELETE' });
      const listed = await world.call(`/sandboxes/${id}/executions`);
      expect((listed.data['items'] as unknown[]).length === 1, 'one execution is listed');
    },
  },
  {
    name: 'code takes input, and is interrupted',
    async run(world) {
      const id = await world.sandbox();
      const code = 'print(input(), flush=True); import time; time.sleep(60)';
      const started = await world.run(id, code, RESPOND_ASYNC, { keepStdinOpen: true });
      const execution = String(started['id']);
      await world.call(`/executions/${execution}/stdin`, { body: { seq: 1, text: 'line\n' } });
      await world.until(async () => {
        const { data } = await world.call(`/executions/${execution}/events?after=0&waitMs=1000`);
        return JSON.stringify(data).includes('line');
      });
      await world.call(`/executions/${execution}`, { method: 'DELETE' });
      await readAll(world, execution);
      await world.call(`/executions/${execution}`);
    },
  },
  {
    name: 'code runs once for its key',
    async run(world) {
      const id = await world.sandbox();
      const headers = { 'Idempotency-Key': id };
      const one = await world.run(id, '1', headers);
      const two = await world.run(id, '1', headers);
      expect(one['id'] === two['id'], 'the same execution is answered');
    },
  },
  {
    name: 'much output is kept and read again',
    async run(world) {
      const id = await world.sandbox();
      const started = await world.run(id, LARGE, RESPOND_ASYNC);
      const lines = numbers(await readAll(world, String(started['id'])));
      expect(lines === 160, `${lines} lines of 160`);
    },
  },
  {
    name: 'output that has expired is told as such',
    async run(world) {
      const id = await world.sandbox();
      const execution = String((await world.run(id, LARGE, RESPOND_ASYNC))['id']);
      await readAll(world, execution);
      await world.deleteSegments();
      await world.call(`/executions/${execution}/events?after=0`, {}, 410);
    },
  },
  {
    name: 'a relay hands over',
    async run(world) {
      const id = await world.sandbox();
      const started = await world.run(id, SLOW, RESPOND_ASYNC);
      const lines = numbers(await readAll(world, String(started['id'])));
      expect(lines === 60, `${lines} lines of 60`);
    },
  },
  {
    name: 'a relay that died is replaced by a reader',
    async run(world) {
      const id = await world.sandbox();
      const started = await world.run(id, SLOW, RESPOND_ASYNC);
      await world.control.endWorkers(world.functionNamed('executions'));
      await world.control.endWorkers(world.functionNamed('relay'));
      const lines = numbers(await readAll(world, String(started['id'])));
      expect(lines === 60, `${lines} lines of 60`);
    },
  },
  {
    name: 'a relay that died is replaced by the pool’s minute',
    async run(world) {
      const id = await world.sandbox();
      const started = await world.run(id, SLOW, RESPOND_ASYNC);
      await world.control.endWorkers(world.functionNamed('executions'));
      await world.control.endWorkers(world.functionNamed('relay'));
      await world.until(async () => {
        await world.invoke('pool', { task: 'minute' });
        const { data } = await world.call(`/executions/${String(started['id'])}`);
        return data['status'] === 'finished';
      });
    },
  },
];
