import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { DIST, ROOT } from '../../local/cli/build/paths.ts';
import { assemblyOf, DEPLOYMENT_NAMES, type DeploymentName, type Template } from './assembly.ts';

interface Report {
  readonly pluginReports: {
    readonly pluginName: string;
    readonly violations: readonly { readonly ruleName: string }[];
  }[];
}

/** `plugin: rule` of every finding that nobody acknowledged. */
async function findingsOf(folder: string): Promise<string[]> {
  const text = await readFile(join(folder, 'validation-report.json'), 'utf8');
  return (JSON.parse(text) as Report).pluginReports.flatMap(({ pluginName, violations }) =>
    violations.map(({ ruleName }) => `${pluginName}: ${ruleName}`),
  );
}

/** The first cell of its line in docs/specification.md. */
const LINES: Readonly<Record<DeploymentName, string>> = {
  dev: 'dev',
  prod: 'prod',
  internet: 'dev with `internet=true`, `alarmEmail`, `monthlyBudgetUsd`',
  arm64: 'dev with `architecture=arm64`',
  local: 'local (with the open network)',
};

const count = ({ Resources }: Template) => Object.keys(Resources).length;

describe.each(DEPLOYMENT_NAMES)('the synthesis of %s', (name) => {
  it('passes AWS’s own validator and cdk-nag, with every finding fixed or acknowledged', async () => {
    const { folder } = await assemblyOf(name, (line) => console.info(`${name}: ${line}`));
    expect(await findingsOf(folder)).toEqual([]);
  });

  it('stays far below the 500 resources of a stack', async () => {
    const { data, service } = await assemblyOf(name);
    expect(count(service)).toBeLessThan(400);
    expect(count(data)).toBeLessThan(400);
  });

  it('has as many resources and findings as docs/specification.md says', async () => {
    const { data, service, folder } = await assemblyOf(name);
    const { length } = await findingsOf(folder);
    const line = `| ${LINES[name]} | ${count(data)} + ${count(service)} | ${length} |`;
    expect(await readFile(join(ROOT, 'docs/specification.md'), 'utf8')).toContain(line);
  });

  it('looks nothing up in an account', async () => {
    const { folder } = await assemblyOf(name);
    const manifest = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as {
      missing?: unknown[];
    };
    expect(manifest.missing ?? []).toEqual([]);
    expect(await readdir(folder)).not.toContain('cdk.context.json');
  });

  it('makes nothing that needs code of the CDK’s own in the account', async () => {
    const { data, service } = await assemblyOf(name);
    const types = [data, service].flatMap(({ Resources }) =>
      Object.values(Resources).map(({ Type }) => Type),
    );
    expect(types.filter((type) => type.startsWith('Custom::'))).toEqual([]);
  });
});

it('an unchanged second synthesis writes nothing', async () => {
  const { folder } = await assemblyOf('dev');
  const written = async () => (await stat(join(folder, 'Service.template.json'))).mtimeMs;
  const before = await written();
  const said: string[] = [];
  await assemblyOf('dev', (line) => said.push(line));
  expect(said).toEqual([]);
  expect(await written()).toBe(before);
});

it('a planted mistake stops the synthesis, so the checks do look', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'planted-'));
  const { context } = JSON.parse(await readFile(join(ROOT, 'cdk.json'), 'utf8')) as {
    context: Record<string, unknown>;
  };
  const env = {
    ...process.env,
    CDK_OUTDIR: folder,
    CDK_CONTEXT_JSON: JSON.stringify(context),
    NODE_COMPILE_CACHE: join(DIST, 'cache/node'),
  };
  try {
    const run = promisify(execFile)(process.execPath, ['test/infra/planted-app.ts'], {
      cwd: ROOT,
      env,
    });
    await expect(run).rejects.toThrow(/Validation failed/);
    const findings = await findingsOf(folder);
    expect(findings).toContain('CloudFormation Validate: F3002');
    expect(findings).toContain('AwsSolutions: AwsSolutions-S1');
  } finally {
    await rm(folder, { recursive: true });
  }
});
