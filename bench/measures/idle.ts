/**
 * What an idle sandbox weighs on this machine: the growth of all processes below `npm start`, per
 * sandbox, with the pool full before and after. A bare node server stands beside it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Sandbox } from '../../sdk/typescript/src/index.ts';
import type { Bench, Measure } from '../measure.ts';
import { descendants, pssMib, settled } from '../processes.ts';
import { BenchError } from '../target.ts';

const MAX_SANDBOXES = 20;
/** What was just started is still settling its own memory. */
const QUIET_MS = 2_000;
const SERVER =
  'require("node:http").createServer((q, r) => r.end()).listen(0, "127.0.0.1", () => console.log("up"))';

export const idle: Measure = {
  name: 'idle',
  summary: 'PSS of an idle sandbox on this machine, beside a bare node server',
  runs: 3,
  run: async (bench) => {
    const { pid } = bench.target;
    if (pid === undefined) {
      throw new BenchError(
        'idle reads /proc, so it needs a deployment of `npm start` on this machine',
      );
    }
    const count = Math.min(bench.runs, MAX_SANDBOXES);
    const { unused, used } = await growthPerSandbox(bench, pid, count);
    const note = `PSS, mean of ${count}: growth of all processes below npm start`;
    return [
      { name: 'idle sandbox', unit: 'MiB', samples: [unused], note },
      { name: 'idle after a run', unit: 'MiB', samples: [used], note },
      { name: 'idle bare node', unit: 'MiB', samples: [await bareNode()], note: 'PSS' },
    ];
  },
};

async function growthPerSandbox({ client, signal }: Bench, pid: number, count: number) {
  const full = await settled(pid, { atLeast: 1 });
  const before = await totalPss(pid);
  await using made = new AsyncDisposableStack();
  const sandboxes: Sandbox[] = [];
  for (let i = 1; i <= count; i += 1) {
    sandboxes.push(made.use(await client.createSandbox({ runtime: 'python', signal })));
    // Each one adds what a pool task has: wait for the refill, so that like is compared with like.
    await settled(pid, { atLeast: full + i });
  }
  const perSandbox = async () => {
    await settled(pid, { atLeast: full + count, quietMs: QUIET_MS });
    return ((await totalPss(pid)) - before) / count;
  };
  const unused = await perSandbox();
  for (const sandbox of sandboxes) await sandbox.execute('1+1', { signal });
  return { unused, used: await perSandbox() };
}

async function totalPss(root: number): Promise<number> {
  const sizes = await Promise.all((await descendants(root)).map(pssMib));
  if (sizes.length > 0 && sizes.every((size) => size === undefined)) {
    throw new BenchError('the sandboxes belong to other users: run idle as root');
  }
  return sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
}

async function bareNode(): Promise<number> {
  const server = spawn(process.execPath, ['-e', SERVER], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(server.stdout, 'data');
    return (server.pid === undefined ? undefined : await pssMib(server.pid)) ?? Number.NaN;
  } finally {
    server.kill('SIGKILL');
  }
}
