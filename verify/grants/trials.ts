/**
 * The trials: first each scenario runs as the deployment is and tells which grants it used; then each grant is taken
 * away, and scenarios that used it run until one fails. A grant without which none fails has survived.
 */
import type { Control, Grant } from './control.ts';
import type { Deployment, Parts } from './deployment.ts';
import { keyOf } from './names.ts';
import type { Scenario } from './scenario.ts';
import { worldOf } from './world.ts';

const DRY_RUN_MS = 120_000;
/** A relay waits for its lease, which is short here. */
const QUIET_MS = 15_000;
/** A scenario that takes so much longer than it did has failed. */
const PATIENCE = { times: 3, moreMs: 3_000 };
/** So many scenarios are tried for one grant. */
const MOST_TRIED = 8;

export interface Use {
  readonly scenario: Scenario;
  readonly tookMs: number;
  readonly grants: ReadonlySet<string>;
}

export interface Verdict {
  readonly grant: Grant;
  /** Undefined: the grant survived, or was not tried. */
  readonly killer: string | undefined;
  /** Whether a scenario ran without it. */
  readonly tried: boolean;
  readonly reason: string;
}

/** Answers why it fails, or what it used. */
export async function dryRun(deployment: Deployment, scenario: Scenario): Promise<Use | string> {
  const parts = deployment.parts();
  await endWorkers(parts.control, await parts.control.grants());
  await parts.control.resetUses();
  const begun = performance.now();
  const failure = await attempt(parts, scenario, DRY_RUN_MS);
  const tookMs = performance.now() - begun;
  // Functions go on after an answer; the tidying is not the scenario's.
  await untilQuiet(parts).catch(() => undefined);
  const used = (await parts.control.grants()).filter((grant) => grant.used > 0);
  await deployment.clean();
  if (failure !== undefined) return failure;
  return { scenario, tookMs, grants: new Set(used.map(keyOf)) };
}

/**
 * @param likely the scenario that failed the last time: tried first, and again after all others, also where its dry run
 *   did not ask for the grant. Which function does a piece of work is a race in some, and one failure is proof.
 */
export async function tryWithout(
  deployment: Deployment,
  grant: Grant,
  uses: readonly Use[],
  likely?: string,
): Promise<Verdict> {
  const first = uses.filter(({ scenario }) => scenario.name === likely);
  const others = uses
    .filter(({ scenario, grants }) => grants.has(keyOf(grant)) && scenario.name !== likely)
    .sort((a, b) => a.tookMs - b.tookMs)
    .slice(0, MOST_TRIED);
  const fitting = [...first, ...others, ...first];
  if (fitting.length === 0)
    return { grant, killer: undefined, tried: false, reason: 'no scenario uses it' };
  for (const { scenario, tookMs } of fitting) {
    const parts = deployment.parts();
    const { control } = parts;
    await control.resetUses();
    await control.omit(grant);
    await endWorkers(control, [grant]);
    const failure = await attempt(parts, scenario, PATIENCE.times * tookMs + PATIENCE.moreMs);
    const state = (await control.grants()).find((each) => keyOf(each) === keyOf(grant));
    await deployment.clean();
    // What failed without asking for it failed for another reason.
    if (failure !== undefined && (state?.missed ?? 0) > 0)
      return { grant, killer: scenario.name, tried: true, reason: failure };
  }
  const names = [...first, ...others].map(({ scenario }) => scenario.name).join('; ');
  return { grant, killer: undefined, tried: true, reason: `these pass without it: ${names}` };
}

/** Undefined if it passes. */
async function attempt(
  parts: Parts,
  scenario: Scenario,
  limitMs: number,
): Promise<string | undefined> {
  const limit = AbortSignal.timeout(Math.ceil(limitMs));
  try {
    await scenario.run(worldOf(parts, limit));
    return undefined;
  } catch (error) {
    if (limit.aborted) return `not done within ${Math.round(limitMs)} ms`;
    return error instanceof Error ? error.message : String(error);
  }
}

const untilQuiet = ({ control, ...parts }: Parts): Promise<void> =>
  worldOf({ control, ...parts }, AbortSignal.timeout(QUIET_MS)).until(() => control.isQuiet());

/** What a worker remembers would hide that it may no longer ask. */
async function endWorkers(control: Control, grants: readonly Grant[]): Promise<void> {
  const names = new Set(grants.flatMap(({ functions }) => functions));
  for (const name of names) await control.endWorkers(name);
}
