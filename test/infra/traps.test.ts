import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import validate from 'asl-validator';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../../local/cli/build/paths.ts';
import { assemblyOf, DEPLOYMENT_NAMES, ofType, oneOf } from './assembly.ts';
import { asText } from './statements.ts';

const textOf = (path: string) => readFile(join(ROOT, path), 'utf8');

/** `file`: "title" → [file, title]. */
async function namedTests(): Promise<[string, string][]> {
  const document = await textOf('docs/aws-traps.md');
  return [...document.matchAll(/`(test\/[\w./-]+\.ts)`: “([^”]+)”/g)].map(([, file, title]) => [
    file!,
    title!,
  ]);
}

describe('docs/aws-traps.md', () => {
  it('names tests that there are', async () => {
    const named = await namedTests();
    expect(named.length).toBeGreaterThan(40);
    const missing = [];
    for (const [file, title] of named) {
      const source = await textOf(file).catch(() => '');
      if (!source.includes(title)) missing.push(`${file}: ${title}`);
    }
    expect(missing).toEqual([]);
  });

  it('names files that there are', async () => {
    const document = await textOf('docs/aws-traps.md');
    const files = [
      ...document.matchAll(/`((?:lib|local|adapters|core|lambdas|bench)\/[\w./-]+)`/g),
    ];
    for (const [, file] of files) await expect(textOf(file!), file).resolves.toBeTruthy();
  });

  it('has a test or a file for each line', async () => {
    const document = await textOf('docs/aws-traps.md');
    const rows = document.split('\n').filter((line) => /^\| (?!trap|---)/.test(line));
    expect(rows.length).toBeGreaterThan(30);
    for (const row of rows) expect(row.split(' | ')[2], row).toMatch(/`[\w./-]+`/);
  });
});

describe.each(DEPLOYMENT_NAMES)('the lifecycle of %s', (name) => {
  it('is valid in the language of states', async () => {
    const { service } = await assemblyOf(name);
    const machine = oneOf(service, 'AWS::StepFunctions::StateMachine', 'Lifecycle');
    const text = asText(machine['DefinitionString']).replaceAll(/<AWS::\w+>/g, 'x');
    expect(validate(JSON.parse(text))).toMatchObject({ isValid: true, errors: [] });
    // Rendered so, a time-out passes synthesis and is refused at creation.
    expect(text).not.toContain('TimeoutSecondsPath');
  });
});

describe('the template', () => {
  it('keeps the names of states in which a life may stand while a new version is deployed', async () => {
    const { service } = await assemblyOf('dev');
    const machine = oneOf(service, 'AWS::StepFunctions::StateMachine', 'Lifecycle');
    const { States } = JSON.parse(asText(machine['DefinitionString'])) as { States: object };
    expect(Object.keys(States).sort()).toEqual([
      'Decide',
      'End',
      'Hold',
      'Launch',
      'Renew',
      'Start',
    ]);
  });

  it('has Container Insights off: they cost more than the short tasks that they watch', async () => {
    const { service } = await assemblyOf('prod');
    const [cluster] = ofType(service, 'AWS::ECS::Cluster').values();
    expect(cluster!['ClusterSettings']).toEqual([{ Name: 'containerInsights', Value: 'disabled' }]);
  });

  it('keeps two tables, of which only the state is recovered and retained', async () => {
    const { data } = await assemblyOf('prod');
    const tables = [...ofType(data, 'AWS::DynamoDB::Table').values()];
    expect(
      tables.map(({ PointInTimeRecoverySpecification: recovery }) =>
        Boolean(recovery?.PointInTimeRecoveryEnabled),
      ),
    ).toEqual([true, false]);
  });

  it('keeps each function’s own policy far below the 20 KB that Lambda takes', async () => {
    const { service } = await assemblyOf('internet');
    const sizes = new Map<string, number>();
    for (const permission of ofType(service, 'AWS::Lambda::Permission').values()) {
      const name = asText(permission['FunctionName']);
      // What Lambda makes of a permission is some 200 characters longer.
      sizes.set(name, (sizes.get(name) ?? 0) + JSON.stringify(permission).length + 200);
    }
    expect(Math.max(...sizes.values())).toBeLessThan(10_000);
  });
});

describe('the repository', () => {
  it('names no registry’s host in its lock file', async () => {
    expect(await textOf('.npmrc')).toContain('omit-lockfile-registry-resolved=true');
    const { packages } = JSON.parse(await textOf('package-lock.json')) as {
      packages: Record<string, { resolved?: string; link?: boolean }>;
    };
    const hosts = Object.values(packages).flatMap(({ resolved, link }) =>
      resolved !== undefined && !link ? [resolved] : [],
    );
    expect(hosts).toEqual([]);
  });
});
