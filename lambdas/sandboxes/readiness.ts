/** Ready: the tables and the fleet answer. Remembered for 10 s, so that it cannot be used as a load. */
import { ExecutionId, SandboxId } from '../../contract/ids.ts';
import type { Answer } from '../shared/rest-answer.ts';
import { logError } from '../shared/telemetry.ts';
import type { SandboxesDeps } from './wire.ts';

const REMEMBERED_MS = 10_000;
/** An id that no sandbox has: asking for it costs one read. */
const NOBODY = SandboxId.parse(`sb${'0'.repeat(20)}`);
const NOTHING = ExecutionId.parse(`ex${'0'.repeat(20)}`);

export function readiness(deps: SandboxesDeps): () => Promise<Answer> {
  let last: { atMs: number; answer: Answer } | undefined;
  return async () => {
    if (last && deps.clock.nowMs() - last.atMs < REMEMBERED_MS) return last.answer;
    const [state, output, fleet] = await Promise.all([
      succeeds('state', deps.sandboxes.get(NOBODY)),
      succeeds('output', deps.output.lastRow(NOTHING)),
      succeeds('fleet', deps.fleet.check()),
    ]);
    const ready = state && output && fleet;
    const name = (ok: boolean) => (ok ? 'ok' : 'failed');
    const answer = {
      status: ready ? 200 : 503,
      data: {
        status: ready ? 'ready' : 'not_ready',
        checks: { state: name(state), output: name(output), fleet: name(fleet) },
      },
    };
    // A failure is not remembered: the next ask may already succeed.
    last = ready ? { atMs: deps.clock.nowMs(), answer } : undefined;
    return answer;
  };
}

async function succeeds(name: string, work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    logError('not ready', error, { check: name });
    return false;
  }
}
