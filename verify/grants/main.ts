/** `npm run verify:grants`: takes each grant of each role away from a running local stack, and finds what fails then. */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runProof, wholeOption } from '../shared/problem.ts';
import { controlOf } from './control.ts';
import { draw } from './draw.ts';
import { describe, keyOf, provenName, roleIdOf } from './names.ts';
import { isOnBehalf } from './on-behalf.ts';
import { operatorOf } from './operator.ts';
import { SCENARIOS } from './scenarios/index.ts';
import { startStack } from './stack.ts';
import { dryRun, tryWithout, type Verdict } from './trials.ts';
import { functionNamed, type Parts } from './world.ts';

const PROVEN = fileURLToPath(new URL('./proven.json', import.meta.url));

const HELP = `npm run verify:grants -- [options]

Starts a local stack, runs ${SCENARIOS.length} scenarios on it, then takes each action on each resource of each role's
statements away and runs the scenarios that used it, until one fails. A grant without which none fails has survived:
it is too wide, or a scenario is missing. Rights that AWS uses on our behalf are in verify/grants/on-behalf.ts.

  --only TEXT   grants whose role, action or resource contains it
  --draw K      K grants, drawn at random
  --seed N      for the draw (default: by the clock; printed)
  --scenario TEXT  scenarios whose name contains it
  --list        which grants the scenarios use, and no trials
  --write       keep the list of killers in verify/grants/proven.json
  --help        this`;

const OPTIONS = {
  only: { type: 'string' },
  draw: { type: 'string' },
  seed: { type: 'string' },
  scenario: { type: 'string' },
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
  await using stack = await startStack(progress);
  const control = controlOf(stack);
  const operator = await operatorOf(control, functionNamed);
  const parts: Parts = { stack, control, operator };
  const scenarios = SCENARIOS.filter(({ name }) => name.includes(values.scenario ?? ''));
  const { uses, failures } = await dryRun(parts, scenarios, progress);
  const all = (await control.grants()).filter(
    (grant) => grant.effect === 'Allow' && !isOnBehalf(roleIdOf(grant), grant.action),
  );
  if (values.list) {
    for (const grant of all)
      console.log(
        `${uses.filter(({ grants }) => grants.has(keyOf(grant))).length} ${describe(grant)}`,
      );
    return;
  }
  const fitting = all.filter((grant) => describe(grant).includes(values.only ?? ''));
  if (count !== undefined) progress(`seed ${seed}`);
  const chosen = count === undefined ? fitting : draw(fitting, { count, seed });
  const verdicts: Verdict[] = [];
  for (const [index, grant] of chosen.entries()) {
    const verdict = await tryWithout(parts, grant, uses);
    verdicts.push(verdict);
    progress(
      `${index + 1}/${chosen.length} ${describe(grant)} → ${verdict.killer ?? `SURVIVED: ${verdict.reason}`}`,
    );
  }
  for (const { grant, killer, reason } of verdicts)
    console.log(`${describe(grant)} → ${killer ?? 'SURVIVED'}: ${reason.slice(0, 200)}`);
  const survivors = verdicts.filter(({ killer }) => killer === undefined);
  const minutes = ((performance.now() - begun) / 60_000).toFixed(1);
  console.log(
    `${verdicts.length} grants, ${survivors.length} survivors, ${scenarios.length} scenarios, ${minutes} min`,
  );
  if (values.write) await keep(verdicts);
  for (const failure of failures) console.log(`fails with every grant: ${failure}`);
  if (survivors.length > 0 || failures.length > 0) process.exitCode = 1;
}

/** Grant → the scenario that fails without it. What has survived somewhere is not proven anywhere. */
async function keep(verdicts: readonly Verdict[]): Promise<void> {
  const nameOf = ({ grant }: Verdict) => provenName(roleIdOf(grant), grant.action, grant.resource);
  const survived = new Set(verdicts.filter(({ killer }) => killer === undefined).map(nameOf));
  const proven = verdicts.flatMap((verdict): [string, string][] => {
    const name = nameOf(verdict);
    return verdict.killer === undefined || survived.has(name) ? [] : [[name, verdict.killer]];
  });
  const sorted = Object.fromEntries(proven.sort(([a], [b]) => (a < b ? -1 : 1)));
  await writeFile(PROVEN, `${JSON.stringify(sorted, null, 2)}\n`);
}

await runProof(main);
