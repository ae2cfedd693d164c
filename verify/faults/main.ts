/**
 * `npm run verify:faults`: finds out by a dry run which function asks which service for what, then lets each of these
 * fail once in each way while the same scenario goes on, and holds the invariants against it.
 */
import { parseArgs } from 'node:util';
import type { Endpoints } from '../shared/control-port.ts';
import { Problem, runProof, wholeOption } from '../shared/problem.ts';
import { shuffled } from '../shared/shuffled.ts';
import { type Control, controlOf, readEndpoints } from './control.ts';
import { walk } from './scenario.ts';
import { FAULTS, type FaultName, newTenant, type Outcome, type Site, tryFault } from './trial.ts';

const HELP = `npm run verify:faults -- [options]

Against a running \`npm start\`: each (function, service, action) that a dry run of run once, create, execute, resume,
processes, files and terminate shows fails once in each way: refused, carried out with its answer lost, its answer cut. Output must be
whole, every sandbox must end with its reason, its slot must be free again, nothing may be left.

  --endpoints FILE  what \`npm start\` wrote (default .local/endpoints.json)
  --seed N          the order of the trials, and which are left out (default: drawn and printed)
  --trials N        at most so many (default 300)
  --minutes N       no further trial is begun after so many (default 20)
  --only TEXT       only sites whose line holds the text, such as dynamodb or relay
  --help            this`;

const OPTIONS = {
  endpoints: { type: 'string', default: '.local/endpoints.json' },
  seed: { type: 'string' },
  trials: { type: 'string', default: '300' },
  minutes: { type: 'string', default: '20' },
  only: { type: 'string', default: '' },
  help: { type: 'boolean', default: false },
} as const;

/** What is asked for after a sandbox has ended comes within this time. */
const SETTLE_MS = 2_000;

interface Trial {
  readonly site: Site;
  readonly fault: FaultName;
}

const lineOf = ({ principal, service, action }: Site) => `${principal} ${service}:${action}`;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: OPTIONS });
  if (values.help) return console.log(HELP);
  const seed = wholeOption('seed', values.seed ?? String(Math.floor(Math.random() * 2 ** 31)));
  const most = wholeOption('trials', values.trials);
  const until = performance.now() + wholeOption('minutes', values.minutes) * 60_000;
  const endpoints = await readEndpoints(values.endpoints);
  const control = controlOf(endpoints);
  const sites = (await drySites(control, endpoints)).filter((site) =>
    lineOf(site).includes(values.only),
  );
  const all = sites.flatMap((site) =>
    (Object.keys(FAULTS) as FaultName[]).map((fault) => ({ site, fault })),
  );
  const chosen = shuffled(all, seed).slice(0, most);
  if (chosen.length === 0)
    throw new Problem(
      `There is no trial for --only ${JSON.stringify(values.only)} --trials ${most}.`,
    );
  progress(`seed ${seed}: ${sites.length} sites, ${chosen.length} of ${all.length} trials`);
  const done = await runAll(chosen, { control, endpoints, until });
  console.log(table(done));
  const bad = done.filter(({ outcome }) => outcome.broken !== undefined).length;
  const held = done.filter(({ outcome }) => outcome.struck && outcome.broken === undefined).length;
  const idle = done.length - bad - held;
  console.log(
    `${held} held, ${bad} broken, ${idle} not struck, ${chosen.length - done.length} not begun in time; seed ${seed}`,
  );
  // What never struck proves nothing.
  if (bad > 0 || held === 0) process.exitCode = 1;
}

/** What the functions ask for while nothing fails. */
async function drySites(control: Control, endpoints: Endpoints): Promise<Site[]> {
  const newClient = await newTenant(control, endpoints);
  const walkOnce = async () => {
    const client = newClient();
    await walk(client).finally(() => client.close());
  };
  await walkOnce();
  await control.resetRequests();
  await walkOnce();
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const seen = await control.requests();
  return seen
    .filter(({ principal }) => principal.startsWith('code-interpreter-'))
    .map(({ service, action, principal }) => ({ service, action, principal }))
    .sort((a, b) => lineOf(a).localeCompare(lineOf(b)));
}

async function runAll(
  trials: readonly Trial[],
  { control, endpoints, until }: { control: Control; endpoints: Endpoints; until: number },
): Promise<(Trial & { outcome: Outcome })[]> {
  const done: (Trial & { outcome: Outcome })[] = [];
  let newClient = await newTenant(control, endpoints);
  for (const { site, fault } of trials) {
    if (performance.now() > until) break;
    const outcome = await tryFault({ control, newClient }, site, fault);
    done.push({ site, fault, outcome });
    progress(`${done.length}/${trials.length} ${wordsOf({ site, fault, outcome }).join('  ')}`);
    // What a broken trial left is not the next one's.
    if (outcome.broken !== undefined) newClient = await newTenant(control, endpoints);
  }
  return done;
}

function wordsOf({ site, fault, outcome }: Trial & { outcome: Outcome }): string[] {
  const { struck, broken, repeats, seconds } = outcome;
  const held = struck ? (repeats > 0 ? `held, asked again ${repeats}×` : 'held') : 'not struck';
  return [
    lineOf(site),
    fault,
    broken === undefined ? held : `BROKEN ${broken}`,
    `${seconds.toFixed(1)} s`,
  ];
}

function table(done: readonly (Trial & { outcome: Outcome })[]): string {
  const rows = done
    .toSorted(
      (a, b) => lineOf(a.site).localeCompare(lineOf(b.site)) || a.fault.localeCompare(b.fault),
    )
    .map(wordsOf);
  const widths = [0, 1].map((column) =>
    Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row) => row.map((word, column) => word.padEnd(widths[column] ?? 0)).join('  '))
    .join('\n');
}

const progress = (line: string) => process.stderr.write(`${line}\n`);

await runProof(main);
