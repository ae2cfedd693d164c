/**
 * What a sandbox uses, told to whoever watches the whole of it. It rides on a relay that is there for an
 * execution, so it costs no function of its own, and a sandbox in which nothing runs tells nothing. Must never
 * make the relay wait, nor tell more often than an agent measures.
 */
import { METRIC_INTERVAL_MS, type Measured } from '../../contract/agent/metrics.ts';
import type { SandboxId } from '../../contract/ids.ts';
import { messageText } from './outbound.ts';
import { type PostDeps, post } from './post.ts';

/** An agent that tells more often is not ours. */
const LEAST_MS = METRIC_INTERVAL_MS / 2;

export class ResourceNews {
  readonly #deps: PostDeps;
  readonly #sandboxId: SandboxId;
  /** Connections that are still being told the news before. */
  readonly #busy = new Set<string>();
  #toldMs = Number.NEGATIVE_INFINITY;
  /** Connections. */
  watchers: readonly string[] = [];

  constructor(deps: PostDeps, sandboxId: SandboxId) {
    this.#deps = deps;
    this.#sandboxId = sandboxId;
  }

  tell(measured: Measured): void {
    const nowMs = this.#deps.clock.nowMs();
    if (this.watchers.length === 0 || nowMs - this.#toldMs < LEAST_MS) return;
    this.#toldMs = nowMs;
    const texts = this.#textsOf(measured);
    for (const connectionId of this.watchers) void this.#post(connectionId, texts);
  }

  async #post(connectionId: string, texts: readonly string[]): Promise<void> {
    if (this.#busy.has(connectionId)) return;
    this.#busy.add(connectionId);
    try {
      for (const text of texts) await post(this.#deps, connectionId, text);
    } catch {
      // The next sample says more than this one.
    } finally {
      this.#busy.delete(connectionId);
    }
  }

  #textsOf({ sample, alerts }: Measured): string[] {
    const sandboxId = this.#sandboxId;
    const { clock } = this.#deps;
    const id = (what: string) => `${sandboxId}:${what}-${sample.at}`;
    return [
      messageText(clock, {
        id: id('metrics'),
        type: 'resource.metrics',
        payload: { sandboxId, ...sample },
      }),
      ...alerts.map(({ level, ...shortage }) =>
        messageText(clock, {
          id: id(`${level}-${shortage.resource}`),
          type: `resource.${level}`,
          payload: { sandboxId, ...shortage },
        }),
      ),
    ];
  }
}
