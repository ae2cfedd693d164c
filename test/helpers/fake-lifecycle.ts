/** Lives that nobody lives: what was begun and what was told to which step, in order. */
import type { SandboxId } from '../../contract/ids.ts';
import type { Lifecycle, StepAnswer } from '../../core/ports.ts';

export interface FakeLifecycle extends Lifecycle {
  readonly started: { sandboxId: SandboxId; start: string; expiresAt: string }[];
  /** By the token of the step. */
  readonly told: { token: string; answer: StepAnswer | { error: string; cause: string } }[];
  /** Errors that the next starts end with. */
  readonly refusals: Error[];
}

export function fakeLifecycle(): FakeLifecycle {
  const started: FakeLifecycle['started'] = [];
  const told: FakeLifecycle['told'] = [];
  const refusals: Error[] = [];
  return {
    started,
    told,
    refusals,
    async start(request) {
      const refusal = refusals.shift();
      if (refusal) throw refusal;
      if (started.some(({ sandboxId }) => sandboxId === request.sandboxId)) return 'exists';
      started.push(request);
      return 'started';
    },
    async complete(token, answer) {
      told.push({ token, answer });
    },
    async fail(token, error, cause) {
      told.push({ token, answer: { error, cause } });
    },
  };
}
