/**
 * One execution with its relays, and clients of the WebSocket that watch it, all in memory and in
 * virtual time: what `socket` and `relay` do, done by the same use cases.
 */
import type { Event } from '../../contract/events.ts';
import { type RelayDeps, relayOutput } from '../../core/output/relay-output.ts';
import { takeOver } from '../../core/output/take-over.ts';
import type { Ids } from '../../core/ports.ts';
import { ExecutionPlaces } from '../../core/socket/places.ts';
import type { Asker, SubscribeDeps } from '../../core/socket/subscribe.ts';
import { memoryAgent } from './memory-agent.ts';
import { MemoryLog } from './memory-log.ts';
import { MemoryConnections, MemorySubscriptions } from './memory-sockets.ts';
import { iso, keyId, runningExecution, sandboxId, tenantId } from './records.ts';
import { VirtualClock } from './virtual-clock.ts';

const LEASE_MS = 3_000;

export interface WorldOptions {
  readonly events: readonly Event[];
  readonly emittedMs: readonly number[];
  readonly lifeMs: number;
  /** How long each write of a subscribe takes. */
  readonly writeMs?: number;
}

export class SocketWorld {
  readonly clock = new VirtualClock();
  readonly sandbox = { id: sandboxId(), tenantId: tenantId() };
  readonly execution = runningExecution(this.sandbox, {
    createdAt: iso(this.clock.nowMs()),
    lease: { owner: 'first', epoch: 1, until: iso(this.clock.nowMs() + LEASE_MS) },
  });
  readonly log = new MemoryLog(this.execution);
  readonly subscriptions = new MemorySubscriptions(
    () => {
      this.log.watched = true;
    },
    () => this.clock.sleep(this.#writeMs),
  );
  readonly connections = new MemoryConnections();
  readonly background: Promise<unknown>[] = [];
  readonly socket: SubscribeDeps;
  readonly #relay: RelayDeps & { ids: Ids };
  readonly #writeMs: number;
  #owners = 0;

  constructor(options: WorldOptions) {
    this.#writeMs = options.writeMs ?? 0;
    const ids = {
      jitter: (max: number) => max / 2,
      owner: () => `owner-${this.#owners++}`,
    } as unknown as Ids;
    const { clock, log, subscriptions, connections } = this;
    const { executions } = log;
    const shared = {
      output: log.output,
      segments: log.segments,
      executions,
      subscriptions,
      connections,
      sockets: { remove: async (id: string) => subscriptions.removeConnection(id) },
      relays: {
        start: async (request: Parameters<RelayDeps['relays']['start']>[0]) => {
          this.background.push(takeOver(this.#relay, request));
        },
      },
      sandboxes: {
        get: async () => ({
          ...this.sandbox,
          status: 'running',
          expiresAt: iso(clock.nowMs() + 3_600_000),
          task: { address: 'a' },
        }),
      } as never,
      clock,
      ids,
    };
    const gateway = memoryAgent(clock, { ...options, cuts: [] });
    this.#relay = {
      ...shared,
      executions: executions as RelayDeps['executions'],
      gateway,
      leaseMs: LEASE_MS,
      relayLifeMs: options.lifeMs,
    };
    const list = async () => ({ items: [], cursor: null });
    const places = new ExecutionPlaces(executions);
    this.socket = { ...shared, executions: { ...executions, list }, places };
  }

  /** The first relay; resolves when it has ended or handed over, readers and all. */
  start(): Promise<unknown> {
    const { execution } = this;
    const target = { address: 'a', token: 't' } as never;
    return relayOutput(this.#relay, { execution, target, after: 0, hop: 0, watched: false });
  }

  asker(connectionId: string): Asker {
    const { tenantId: tenant } = this.sandbox;
    const limits = { liveSandboxes: 1, requestsPerSecond: 1 };
    const caller = { tenantId: tenant, keyId: keyId(), role: 'viewer' as const, limits };
    return { caller, connectionId, messageId: `m-${this.#owners++}` };
  }
}

const at = '2026-01-01T00:00:00.000Z';

/** Printed text of these sizes, then `finished`. */
export function printed(sizes: readonly number[]): Event[] {
  const lines = sizes.map((size, index) => ({
    seq: index + 1,
    at,
    type: 'stdout' as const,
    text: 'x'.repeat(size),
  }));
  const seq = sizes.length + 1;
  const metrics = { wallMs: 1 };
  return [...lines, { seq, at, type: 'finished', outcome: 'ok', exitCode: 0, metrics }];
}
