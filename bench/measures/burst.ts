/**
 * So many creates at once: how each is answered, and when each runs. `--runs` is their number; what
 * a full pool does is seen with `npm start -- --pool N`, what an empty one does with `--pool 0`.
 */
import type { CodeInterpreter, Sandbox } from '../../sdk/typescript/src/index.ts';
import type { Bench, Measure } from '../measure.ts';
import { descendants, pssMib, settled } from '../processes.ts';

export const burst: Measure = {
  name: 'burst',
  summary: 'so many createSandbox at once: until each is answered, and until each runs',
  runs: 10,
  run: async (bench) => {
    const { pid } = bench.target;
    if (pid !== undefined) await settled(pid, { atLeast: 0 });
    await using made = new AsyncDisposableStack();
    const outcomes = await Promise.all(
      Array.from({ length: bench.runs }, () => create(bench, made)),
    );
    const good = outcomes.filter((outcome) => typeof outcome === 'object');
    const failed = outcomes.filter((outcome) => typeof outcome === 'string');
    const hits = good.filter(({ hit }) => hit).length;
    const memory = pid === undefined ? '' : `, ${await gibOf(pid)} GiB PSS in all`;
    const note = `${hits} from the pool, ${good.length - hits} launched, ${failed.length} failed${memory}`;
    return [
      { name: 'burst answered', unit: 'ms', samples: good.map(({ answered }) => answered), note },
      {
        name: 'burst running',
        unit: 'ms',
        samples: good.map(({ running }) => running),
        note: [...new Set(failed)].slice(0, 3).join('; '),
      },
    ];
  },
};

async function create({ client, signal }: Bench, made: AsyncDisposableStack) {
  const from = performance.now();
  try {
    const sandbox: Sandbox = made.use(await make(client, signal));
    const answered = performance.now() - from;
    const hit = sandbox.status === 'running';
    await sandbox.waitUntilRunning({ signal });
    return { hit, answered, running: performance.now() - from };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const make = (client: CodeInterpreter, signal: AbortSignal) =>
  client.createSandbox({ runtime: 'python', wait: false, lifetimeMs: 10 * 60_000, signal });

async function gibOf(root: number): Promise<string> {
  const sizes = await Promise.all((await descendants(root)).map(pssMib));
  return (sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0) / 1024).toFixed(1);
}
