/** `npm run verify:grants`: takes each grant of each role away from a running local stack, and finds what fails then. */
import { parseArgs } from 'node:util';
import { Problem, runProof, wholeOption } from '../shared/problem.ts';
import type { Grant } from './control.ts';
import { type Deployment, startAll, startDeployment } from './deployment.ts';
import { draw } from './draw.ts';
import { describe, keyOf, roleIdOf } from './names.ts';
import { isOnBehalf } from './on-behalf.ts';
import { nameOf, provenBy, readProven } from './proven.ts';
import type { Scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios/index.ts';
import { dryRun, tryWithout, type Use, type Verdict } from './trials.ts';

const HELP = `npm run verify:grants -- [options]

Starts a local stack, runs ${SCENARIOS.length} scenarios on it, then takes each action on each resource of each role's
statements away and runs the scenarios that used it, until one fails. A grant without which none fails has survived:
it is too wide, or a scenario is missing. One that no chosen scenario uses is not tried. Rights that AWS uses on our behalf are in verify/grants/on-behalf.ts.

  --only TEXT   grants whose role, action or resource contains it; may be repeated
  --draw K      K grants, drawn at random
  --seed N      for the draw (default: by the clock; printed)
  --scenario TEXT  scenarios whose name contains it
  --stacks N    tries on N stacks at once (default: 1)
  --list        which grants the scenarios use, and no trials
  --write       keep each killer in verify/grants/proven.json as it is found
  --help        this`;

const OPTIONS = {
  only: { type: 'string', multiple: true },
  draw: { type: 'string' },
  seed: { type: 'string' },
  scenario: { type: 'string' },
  stacks: { type: 'string', default: '1' },
  list: { type: 'boolean', default: false },
  write: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

const progress = (line: string) => process.stderr.write(`${line}\n`);

async function main(): Promise<void> {
  const { values } = parseArgs({ options: OPTIONS });
  if (values.help) return console.log(HELP);
  const count = values.draw === undefined ? undefined : wholeOption('draw', values.draw);
  const seed = wholeOption('seed', values.seed ?? String(Date.now() % 2 ** 31));
  const begun = performance.now();
  const stacks = wholeOption('stacks', values.stacks);
  const scenarios = SCENARIOS.filter(({ name }) => name.includes(values.scenario ?? ''));
  if (scenarios.length === 0)
    throw new Problem(`There is no scenario for --scenario ${JSON.stringify(values.scenario)}.`);
  await using cleanup = new AsyncDisposableStack();
  const deployments = await startAll(stacks, () => startDeployment(progress), cleanup);
  const [first] = deployments;
  if (first === undefined) throw new Problem('--stacks must be at least 1.');
  const { uses, failures } = await dryRuns(deployments, scenarios);
  const all = (await first.parts().control.grants()).filter(
    (grant) => grant.effect === 'Allow' && !isOnBehalf(roleIdOf(grant), grant.action),
  );
  if (values.list) {
    for (const grant of all)
      console.log(
        `${uses.filter(({ grants }) => grants.has(keyOf(grant))).length} ${describe(grant)}`,
      );
    return;
  }
  const fitting = all.filter((grant) => holdsOne(describe(grant), values.only ?? []));
  if (count !== undefined) progress(`seed ${seed}`);
  const chosen = count === undefined ? fitting : draw(fitting, { count, seed });
  if (chosen.length === 0) throw new Problem('There is no grant to try for --only and --draw.');
  const keep = values.write ? await provenBy(all) : async () => {};
  const verdicts = await trials(deployments, { grants: chosen, uses, keep });
  for (const verdict of verdicts)
    console.log(`${wordsOf(verdict)}: ${verdict.reason.slice(0, 200)}`);
  const untried = verdicts.filter(({ tried }) => !tried).length;
  const survivors = verdicts.filter(({ killer }) => killer === undefined).length - untried;
  const minutes = ((performance.now() - begun) / 60_000).toFixed(1);
  console.log(
    `${verdicts.length} grants, ${survivors} survivors, ${untried} not tried, ${scenarios.length} scenarios, ${minutes} min`,
  );
  for (const failure of failures) console.log(`fails with every grant: ${failure}`);
  if (survivors + untried > 0 || failures.length > 0) process.exitCode = 1;
}

async function dryRuns(
  deployments: readonly Deployment[],
  scenarios: readonly Scenario[],
): Promise<{ uses: readonly Use[]; failures: readonly string[] }> {
  const uses: Use[] = [];
  const failures: string[] = [];
  await shared(deployments, scenarios, async (deployment, scenario) => {
    let outcome = await dryRun(deployment, scenario);
    if (typeof outcome === 'string') {
      progress(`${scenario.name}: ${outcome}; once more`);
      outcome = await dryRun(deployment, scenario);
    }
    if (typeof outcome === 'string') {
      failures.push(`${scenario.name}: ${outcome}`);
      progress(`FAILED ${failures.at(-1)}`);
      return;
    }
    uses.push(outcome);
    progress(`${scenario.name}: ${outcome.grants.size} grants, ${Math.round(outcome.tookMs)} ms`);
  });
  return { uses, failures };
}

async function trials(
  deployments: readonly Deployment[],
  {
    grants,
    uses,
    keep,
  }: {
    readonly grants: readonly Grant[];
    readonly uses: readonly Use[];
    readonly keep: (verdicts: readonly Verdict[]) => Promise<void>;
  },
): Promise<readonly Verdict[]> {
  const verdicts: Verdict[] = [];
  // What the minute's functions use too stands with many scenarios, of which few fail without it.
  const likely = await readProven();
  await shared(deployments, grants, async (deployment, grant) => {
    const verdict = await tryWithout(deployment, grant, uses, likely[nameOf(grant)]);
    verdicts.push(verdict);
    await keep(verdicts);
    const why = verdict.killer === undefined ? `: ${verdict.reason}` : '';
    progress(`${verdicts.length}/${grants.length} ${wordsOf(verdict)}${why}`);
  });
  return verdicts;
}

const wordsOf = ({ grant, killer, tried }: Verdict): string =>
  `${describe(grant)} → ${killer ?? (tried ? 'SURVIVED' : 'NOT TRIED')}`;

const holdsOne = (text: string, parts: readonly string[]): boolean =>
  parts.length === 0 || parts.some((part) => text.includes(part));

/** Each deployment takes the next until none is left. */
async function shared<T>(
  deployments: readonly Deployment[],
  all: readonly T[],
  use: (deployment: Deployment, each: T) => Promise<void>,
): Promise<void> {
  const left = all.values();
  await Promise.all(
    deployments.map(async (deployment) => {
      for (const each of left) await use(deployment, each);
    }),
  );
}

await runProof(main);
