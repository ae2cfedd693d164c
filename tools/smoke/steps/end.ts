/** The sandbox is terminated, and nothing of this test is left. */
import * as z from 'zod';
import { Problem } from '../../shared/problem.ts';
import { type Run, type Step, sandboxOf } from '../step.ts';

const STOPS_WITHIN_MS = 90_000;
const LOOK_EVERY_MS = 500;

const Sandboxes = z.object({ items: z.array(z.object({ id: z.string(), status: z.string() })) });
const Executions = z.object({ items: z.array(z.object({ id: z.string(), status: z.string() })) });

const ours = ({ api, id, signal }: Pick<Run, 'api' | 'id' | 'signal'>) =>
  api.json(`/sandboxes?metadata.smoke=${id}`, Sandboxes, { signal });

export const end: Step = {
  name: 'end',
  run: async (run) => {
    const { id } = sandboxOf(run);
    await sandboxOf(run).terminate();
    const left = await untilStopped(run);
    if (left.length > 0)
      throw new Problem(`not stopped after ${STOPS_WITHIN_MS / 1000} s: ${left.join(', ')}`);
    const path = `/sandboxes/${id}/executions`;
    const { items } = await run.api.json(path, Executions, { signal: run.signal });
    const open = items.filter(({ status }) => status !== 'finished');
    if (open.length > 0) throw new Problem(`executions without an end: ${JSON.stringify(open)}`);
    return `stopped; ${items.length} executions finished; nothing left`;
  },
};

async function untilStopped(run: Run): Promise<string[]> {
  const until = performance.now() + STOPS_WITHIN_MS;
  for (;;) {
    const { items } = await ours(run);
    const left = items.flatMap(({ id, status }) =>
      status === 'stopped' ? [] : [`${id} ${status}`],
    );
    if (left.length === 0 || performance.now() > until) return left;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/** After a failure or a Ctrl-C: also one whose answer never came. Answers what it ended. */
export async function cleanUp(run: Omit<Run, 'signal'>): Promise<string[]> {
  const signal = AbortSignal.timeout(STOPS_WITHIN_MS);
  const { items } = await ours({ ...run, signal });
  const live = items.filter(({ status }) => status !== 'stopped' && status !== 'stopping');
  for (const { id } of live) {
    await run.api.json(`/sandboxes/${id}`, z.unknown(), { method: 'DELETE', signal });
  }
  return live.map(({ id }) => id);
}
