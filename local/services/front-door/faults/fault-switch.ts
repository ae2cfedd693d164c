/**
 * Which request or event is struck by which fault: rules in the order in which they were added, the first that
 * matches and has strikes left counts. It carries nothing out: carry.ts and the Lambda stand-in do.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Chance } from '../../shared/chance.ts';
import { isLike } from '../../shared/wildcards.ts';
import { DELIVERY, type Fault, type FaultRule } from './rules.ts';

/** What a rule is held against. */
export interface FaultTarget {
  readonly service: string;
  readonly action: string;
  readonly function: string | undefined;
  /** Asked for only where a rule names one. */
  readonly resources: () => readonly string[];
}

/** A fault that strikes, and how to wait for as long as its rule lasts. */
export interface Strike {
  readonly fault: Fault;
  /** Resolves after that time, or when the rule is removed. */
  readonly hold: (ms: number) => Promise<void>;
}

export interface FaultRuleState {
  readonly id: string;
  readonly rule: FaultRule;
  /** How often it struck. */
  readonly hits: number;
  /** Requests and events that it holds now. */
  readonly held: number;
}

interface Entry {
  readonly id: string;
  readonly rule: FaultRule;
  readonly removed: AbortController;
  hits: number;
  held: number;
}

const stateOf = ({ id, rule, hits, held }: Entry): FaultRuleState => ({ id, rule, hits, held });

export class FaultSwitch {
  readonly #chance: Chance;
  readonly #entries = new Map<string, Entry>();

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  add(rule: FaultRule): FaultRuleState {
    const entry = { id: randomUUID(), rule, removed: new AbortController(), hits: 0, held: 0 };
    this.#entries.set(entry.id, entry);
    return stateOf(entry);
  }

  list(): readonly FaultRuleState[] {
    return [...this.#entries.values()].map(stateOf);
  }

  /** Lets go what the rule holds. Undefined for a rule that is not there. */
  remove(id: string): FaultRuleState | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    this.#entries.delete(id);
    entry.removed.abort();
    return stateOf(entry);
  }

  clear(): void {
    for (const id of this.#entries.keys()) this.remove(id);
  }

  strike(target: FaultTarget): Strike | undefined {
    for (const entry of this.#entries.values()) {
      const { times = Infinity, probability = 1 } = entry.rule;
      if (entry.hits >= times || !matches(entry.rule, target)) continue;
      if (probability < 1 && !this.#chance.happens(probability)) continue;
      entry.hits += 1;
      return { fault: entry.rule.fault, hold: (ms) => hold(entry, ms) };
    }
    return undefined;
  }

  /** The same for an asynchronous event that is about to be delivered. */
  strikeEvent(functionName: string): Strike | undefined {
    return this.strike({
      service: 'lambda',
      action: DELIVERY,
      function: undefined,
      resources: () => [functionName],
    });
  }
}

async function hold(entry: Entry, ms: number): Promise<void> {
  entry.held += 1;
  try {
    await delay(ms, undefined, { signal: entry.removed.signal, ref: false });
  } catch {
    // The rule was removed: what it held goes on.
  } finally {
    entry.held -= 1;
  }
}

function matches(rule: FaultRule, target: FaultTarget): boolean {
  const { service, action, resource } = rule;
  if (service !== target.service) return false;
  // A delivery is no request: a rule must name it.
  if (target.action === DELIVERY ? action !== DELIVERY : !fits(action, target.action)) return false;
  return (
    fits(rule.function, target.function ?? '') &&
    (resource === undefined || target.resources().some((name) => isLike(resource, name)))
  );
}

const fits = (pattern: string | undefined, name: string): boolean =>
  pattern === undefined || isLike(pattern, name);
