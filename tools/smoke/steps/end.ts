/** The sandbox is terminated, and nothing of this test is left. */
import type { Sandbox } from '../../../sdk/typescript/src/index.ts';
import { Problem } from '../../shared/problem.ts';
import { type Run, type Step, sandboxOf } from '../step.ts';

const STOPS_WITHIN_MS = 90_000;
const LOOK_EVERY_MS = 500;
const LIST_LAG_MS = 2_000;

type Made = Pick<Run, 'client' | 'id' | 'sandbox' | 'creates'>;

/** All pages: each is cut before it is filtered, so that the first of a busy tenant may hold none of ours. */
const ours = ({ client, id }: Pick<Run, 'client' | 'id'>): Promise<Sandbox[]> =>
  Array.fromAsync(client.listSandboxes({ metadata: { smoke: id } }));

export const end: Step = {
  name: 'end',
  run: async (run) => {
    const sandbox = sandboxOf(run);
    await sandbox.terminate();
    const untilMs = performance.now() + STOPS_WITHIN_MS;
    // The list may be a moment behind; the sandbox itself is read as it is.
    await untilStopped(async () => {
      await sandbox.refresh();
      return [sandbox];
    }, untilMs);
    await untilStopped(() => ours(run), untilMs);
    const executions = await Array.fromAsync(sandbox.executions());
    const open = executions.filter(({ status }) => status !== 'finished');
    if (open.length > 0) throw new Problem(`executions without an end: ${JSON.stringify(open)}`);
    return `stopped; ${executions.length} executions finished; nothing left`;
  },
};

async function untilStopped(look: () => Promise<Sandbox[]>, untilMs: number): Promise<void> {
  for (;;) {
    const left = (await look()).filter(({ status }) => status !== 'stopped');
    if (left.length === 0) return;
    if (performance.now() > untilMs) {
      const those = left.map(({ id, status }) => `${id} ${status}`).join(', ');
      throw new Problem(`not stopped after ${STOPS_WITHIN_MS / 1000} s: ${those}`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/** After a failure or a Ctrl-C: also one whose answer never came. Answers what it ended. */
export async function cleanUp(run: Made): Promise<string[]> {
  const made = new Map((await listed(run)).map((sandbox) => [sandbox.id, sandbox]));
  if (run.sandbox) {
    await run.sandbox.refresh();
    made.set(run.sandbox.id, run.sandbox);
  }
  const live = [...made.values()].filter(
    ({ status }) => status !== 'stopped' && status !== 'stopping',
  );
  for (const sandbox of live) await sandbox.terminate();
  return live.map(({ id }) => id);
}

/** Looks again where a creation was not answered: the list may be a moment behind. */
async function listed(run: Made): Promise<Sandbox[]> {
  const untilMs = performance.now() + LIST_LAG_MS;
  for (;;) {
    const found = await ours(run);
    if (found.length > 0 || run.sandbox || !run.creates || performance.now() > untilMs)
      return found;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}
