/**
 * The trials: first each scenario runs as the deployment is and tells which grants it used; then each grant is taken
 * away, and scenarios that used it run until one fails. A grant without which none fails has survived.
 */
import type { Control, Grant } from './control.ts';
import { keyOf } from './names.ts';
import type { Scenario } from './scenario.ts';
import { type Parts, tidy, worldOf } from './world.ts';

const DRY_RUN_MS = 120_000;
const TIDY_MS = 120_000;
/** A scenario that takes so much longer than it did has failed. */
const PATIENCE = { times: 4, atLeastMs: 4_000 };
/** So many scenarios are tried for one grant. */
const MOST_TRIED = 5;

export interface Use {
  readonly scenario: Scenario;
  readonly tookMs: number;
  readonly grants: ReadonlySet<string>;
}

export interface Verdict {
  readonly grant: Grant;
  /** Undefined: the grant survived. */
  readonly killer: string | undefined;
  readonly reason: string;
}

export async function dryRun(
  parts: Parts,
  scenarios: readonly Scenario[],
  progress: (line: string) => void,
): Promise<{ uses: readonly Use[]; failures: readonly string[] }> {
  const uses: Use[] = [];
  const failures: string[] = [];
  for (const scenario of scenarios) {
    await endWorkers(parts.control, await parts.control.grants());
    await parts.control.resetUses();
    const begun = performance.now();
    const failure = await attempt(parts, scenario, DRY_RUN_MS);
    await tidyUp(parts);
    if (failure !== undefined) {
      failures.push(`${scenario.name}: ${failure}`);
      progress(`FAILED ${failures.at(-1)}`);
      continue;
    }
    const used = (await parts.control.grants()).filter((grant) => grant.used > 0);
    const tookMs = performance.now() - begun;
    uses.push({ scenario, tookMs, grants: new Set(used.map(keyOf)) });
    progress(`${scenario.name}: ${used.length} grants, ${Math.round(tookMs)} ms`);
  }
  return { uses, failures };
}

export async function tryWithout(
  parts: Parts,
  grant: Grant,
  uses: readonly Use[],
): Promise<Verdict> {
  const { control } = parts;
  const fitting = uses
    .filter(({ grants }) => grants.has(keyOf(grant)))
    .sort((a, b) => a.tookMs - b.tookMs)
    .slice(0, MOST_TRIED);
  if (fitting.length === 0) return { grant, killer: undefined, reason: 'no scenario uses it' };
  for (const { scenario, tookMs } of fitting) {
    await control.resetUses();
    await control.omit(grant);
    await endWorkers(control, [grant]);
    const limitMs = Math.ceil(Math.max(PATIENCE.atLeastMs, PATIENCE.times * tookMs));
    const failure = await attempt(parts, scenario, limitMs);
    const state = (await control.grants()).find((each) => keyOf(each) === keyOf(grant));
    await control.restore();
    await tidyUp(parts);
    // What failed without asking for it failed for another reason.
    if (failure !== undefined && (state?.missed ?? 0) > 0)
      return { grant, killer: scenario.name, reason: failure };
  }
  const tried = fitting.map(({ scenario }) => scenario.name).join('; ');
  return { grant, killer: undefined, reason: `these pass without it: ${tried}` };
}

/** Undefined if it passes. */
async function attempt(
  parts: Parts,
  scenario: Scenario,
  limitMs: number,
): Promise<string | undefined> {
  const limit = AbortSignal.timeout(limitMs);
  try {
    await scenario.run(worldOf(parts, limit));
    return undefined;
  } catch (error) {
    if (limit.aborted) return `not done within ${Math.round(limitMs)} ms`;
    return error instanceof Error ? error.message : String(error);
  }
}

async function tidyUp(parts: Parts): Promise<void> {
  await tidy(worldOf(parts, AbortSignal.timeout(TIDY_MS)));
}

/** What a worker remembers would hide that it may no longer ask. */
async function endWorkers(control: Control, grants: readonly Grant[]): Promise<void> {
  const names = new Set(grants.flatMap(({ functions }) => functions));
  for (const name of names) await control.endWorkers(name);
}
