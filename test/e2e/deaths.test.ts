/** Whatever dies in the middle of its work: the sandbox ends once, with a reason, and nothing stays. */
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { api, control, createSandbox, target, untilFinished, untilStatus } from '../helpers/api.ts';
import { familyOf, isAlive } from '../helpers/host.ts';

const STACK = 'code-interpreter';

describe.runIf(target.pid !== undefined)('a sandbox whose', () => {
  test.each(['agent', 'first process'] as const)(
    '%s is killed ends as task_died',
    async (victim) => {
      const sandbox = await createSandbox();
      const marker = `/tmp/${randomUUID()}`;
      const started = await api(`/sandboxes/${sandbox.id}/execute`, {
        body: {
          code: `import subprocess; subprocess.run(["sleep", "600"], env={"M": "${marker}"})`,
        },
        headers: { Prefer: 'respond-async' },
      });
      const chain = await ancestorsOf(marker);
      const pid = victim === 'agent' ? agentOf(chain) : chain.at(-1);
      const family = familyOf(chain.at(-1) ?? 0);
      process.kill(pid ?? 0, 'SIGKILL');
      expect(await untilStatus(sandbox.id, 'stopped')).toMatchObject({ endReason: 'task_died' });
      expect(await untilFinished(started.json.data.id)).toMatchObject({ outcome: 'lost' });
      await gone(family);
      await using next = await createSandbox();
      expect((await next.run('1 + 1')).outcome).toBe('ok');
    },
  );

  test('lifecycle is killed while it ends, ends all the same', async () => {
    const sandbox = await createSandbox();
    const busy = await api(`/sandboxes/${sandbox.id}/execute`, {
      body: { code: 'import time; time.sleep(600)' },
      headers: { Prefer: 'respond-async' },
    });
    await api(`/sandboxes/${sandbox.id}`, { method: 'DELETE' });
    await control(`/functions/${STACK}-lifecycle/workers`, { method: 'DELETE' });
    expect(await untilStatus(sandbox.id, 'stopped')).toMatchObject({ endReason: 'terminated' });
    const { outcome } = await untilFinished(busy.json.data.id);
    expect(['killed', 'lost']).toContain(outcome);
  });

  test('creation was cut is there once, when it is asked for again under its key', async () => {
    const name = randomUUID();
    const ask = () =>
      api('/sandboxes', {
        body: { runtime: 'python', name, resources: { cpu: 0.5, memoryMb: 1024 } },
        headers: { 'Idempotency-Key': name },
      });
    const [first] = await Promise.all([
      ask(),
      control(`/functions/${STACK}-sandboxes/workers`, { method: 'DELETE' }),
    ]);
    const again = await ask();
    expect([201, 202]).toContain(again.status);
    if (first.status === 202) expect(again.json.data.id).toBe(first.json.data.id);
    // A list may be half a second behind.
    const made = async () =>
      (await api('/sandboxes')).json.data.items.filter(
        (item: { name?: string }) => item.name === name,
      );
    await expect.poll(made).toHaveLength(1);
    await api(`/sandboxes/${again.json.data.id}`, { method: 'DELETE' });
    expect(await untilStatus(again.json.data.id, 'stopped')).toMatchObject({
      endReason: 'terminated',
    });
  });
});

/** The process with this in its environment, and all above it up to the stack; nearest first. */
async function ancestorsOf(marker: string): Promise<number[]> {
  while (true) {
    const pid = readdirSync('/proc').find((name) => /^\d+$/.test(name) && has(name, marker));
    if (pid === undefined) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      continue;
    }
    const chain: number[] = [];
    for (let next = Number(pid); next !== target.pid && next > 1; next = parentOf(next))
      chain.push(next);
    return chain;
  }
}

function has(pid: string, marker: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(marker);
  } catch {
    return false;
  }
}

function parentOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

/** The nearest ancestor that runs our bundle. */
const agentOf = (chain: readonly number[]): number | undefined =>
  chain.find((pid) =>
    /\bagent\b.*\.m?js/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')),
  );

async function gone(family: ReturnType<typeof familyOf>): Promise<void> {
  while (family.some(isAlive)) await new Promise((resolve) => setTimeout(resolve, 20));
}
