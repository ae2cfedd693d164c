/**
 * `npm run keys`: makes, lists, revokes and rotates API keys, by a direct invoke of `account`. A
 * secret is printed once, alone on stdout; everything else goes to stderr.
 */
import { Command, Option } from 'commander';
import { ROLES } from '../../contract/rest/operation.ts';
import { type Functions, functionsOf } from '../shared/functions.ts';
import { type DeploymentFlags, deploymentOptions, wholeNumber } from '../shared/options.ts';
import { Problem, runTool } from '../shared/problem.ts';
import { Answer, KeyPage, MadeKey, RevokedKey, type Row, TenantPage } from './answers.ts';

interface Flags extends DeploymentFlags {
  readonly json: boolean;
  readonly tenant?: string;
  readonly newTenant?: string;
  readonly key: string;
  readonly role?: string;
  readonly name: string;
  readonly expires?: string;
  readonly graceMs?: number;
}

type Action = (account: Account, flags: Flags) => Promise<void>;
type Account = (event: Record<string, unknown>) => Promise<unknown>;

const HELP = `
The first key of a deployment:
  npm run keys -- create --new-tenant "my team"

Needs the right to invoke the function <stack>-account (lambda:InvokeFunction), or --local.`;

async function create(account: Account, flags: Flags): Promise<void> {
  const { tenant, newTenant, role, name, expires } = flags;
  if ((tenant === undefined) === (newTenant === undefined))
    throw new Problem(
      'Pass --tenant with the id of a tenant (see `list`), or --new-tenant with a name to make one.',
    );
  if (newTenant !== undefined) {
    if (expires !== undefined) throw new Problem('The first key of a tenant does not expire.');
    return showSecret(await account({ action: 'createTenant', name: newTenant, role }), flags);
  }
  const expiresAt = expires === undefined ? undefined : instant(expires);
  const event = { action: 'createKey', tenantId: tenant, role: role ?? 'developer', name };
  return showSecret(await account({ ...event, expiresAt }), flags);
}

const rotate: Action = async (account, flags) =>
  showSecret(
    await account({
      action: 'rotateKey',
      tenantId: needed(flags.tenant, '--tenant'),
      keyId: flags.key,
      graceMs: flags.graceMs,
    }),
    flags,
  );

const revoke: Action = async (account, flags) => {
  const tenantId = needed(flags.tenant, '--tenant');
  const answer = await account({ action: 'revokeKey', tenantId, keyId: flags.key });
  const { keyId, revokedAt } = RevokedKey.parse(answer);
  if (flags.json) return print({ keyId, revokedAt });
  say(`revoked ${keyId} at ${revokedAt}: within 10 s it no longer works`);
};

const list: Action = async (account, { tenant, json }) => {
  const rows: Row[] = [];
  let cursor: string | undefined;
  do {
    const page =
      tenant === undefined
        ? TenantPage.parse(await account({ action: 'listTenants', cursor }))
        : KeyPage.parse(await account({ action: 'listKeys', tenantId: tenant, cursor }));
    rows.push(...page.items);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  if (json) return print(rows);
  for (const row of rows) process.stdout.write(`${lineOf(row)}\n`);
  if (rows.length === 0) say(tenant === undefined ? 'no tenants' : 'no keys');
};

const lineOf = (row: Row): string =>
  'role' in row
    ? [row.id, row.role.padEnd(9), row.createdAt, stateOf(row), row.name].join('  ')
    : [row.id, row.createdAt, row.name].join('  ');

function stateOf({ revokedAt, expiresAt }: Extract<Row, { role: string }>): string {
  if (revokedAt !== undefined) return `revoked ${revokedAt}`;
  return expiresAt === undefined ? 'works' : `until ${expiresAt}`;
}

function showSecret(answer: unknown, { json }: Flags): void {
  const made = MadeKey.parse(answer);
  if (json) return print(made);
  say(`key ${made.keyId}, role ${made.role}, tenant ${made.tenantId}; shown this once:`);
  process.stdout.write(`${made.apiKey}\n`);
}

const say = (line: string) => process.stderr.write(`${line}\n`);
const print = (data: unknown) => {
  process.stdout.write(`${JSON.stringify(data, null, 2)}\n`);
};

function needed(value: string | undefined, option: string): string {
  if (value !== undefined) return value;
  throw new Problem(`${option} is missing. See --help.`);
}

function instant(text: string): string {
  const ms = Date.parse(text);
  if (Number.isNaN(ms))
    throw new Problem(`--expires must be a time such as 2030-01-31, got "${text}".`);
  return new Date(ms).toISOString();
}

const accountOf =
  (functions: Functions): Account =>
  async (event) => {
    const answer = Answer.parse(await functions.invoke('account', event));
    if (answer.success) return answer.data;
    throw new Problem(`${answer.error.code}: ${answer.error.message}`);
  };

function program(run: (action: Action, flags: Flags) => Promise<void>): Command {
  const all = new Command('npm run keys --').addHelpText('after', HELP);
  const add = (name: string, summary: string, action: Action) =>
    deploymentOptions(all.command(name).description(summary))
      .option('--json', 'print JSON', false)
      .option('--tenant <id>', 'such as tn4q…')
      .action((flags: Flags) => run(action, flags));
  const role = new Option('--role <role>', 'what it may do; of a first key admin or operator');
  add('create', 'make a key and print its secret, this once', create)
    .option('--new-tenant <name>', 'make a tenant, with this as its first key')
    .addOption(role.choices(ROLES))
    .option('--name <name>', 'to know it by', 'made by npm run keys')
    .option('--expires <time>', 'such as 2030-01-31');
  add('list', 'list tenants, or with --tenant its keys', list);
  add('revoke', 'end a key', revoke).requiredOption('--key <id>', 'such as ky7x…');
  add('rotate', 'give a key a new secret and print it, this once', rotate)
    .requiredOption('--key <id>', 'such as ky7x…')
    .option('--grace-ms <n>', 'how long the old secret works on', wholeNumber);
  return all;
}

await runTool(async () => {
  await program(async (action, flags) =>
    action(accountOf(await functionsOf(flags)), flags),
  ).parseAsync();
  return 0;
});
