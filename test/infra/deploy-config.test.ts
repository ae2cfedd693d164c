import { describe, expect, it } from 'vitest';
import { readDeployConfig } from '../../lib/deploy-config.ts';

describe('the deploy configuration', () => {
  it('needs nothing: every setting has a default', () => {
    expect(readDeployConfig({})).toEqual({
      profile: 'dev',
      stackName: 'code-interpreter',
      internet: false,
      architecture: 'x86_64',
      poolTarget: 0,
      openPoolTarget: 0,
      allowedOrigins: ['*'],
      defaultLifetimeMs: 300_000,
      maxLifetimeMs: 86_400_000,
      maxLiveSandboxes: 10,
      requestsPerSecond: 20,
      outputCapBytes: 67_108_864,
      accessLogs: false,
      dashboard: false,
      runbookUrl: 'docs/runbook.md',
      maxRunningTasks: 20,
      dist: 'dist',
    });
  });

  it.each([
    ['dev', 0],
    ['prod', 1],
    ['local', 2],
  ])('keeps as many tasks warm in %s: %i', (profile, poolTarget) => {
    expect(readDeployConfig({ profile }).poolTarget).toBe(poolTarget);
  });

  it('reads text, as -c gives it, like values of cdk.json', () => {
    const config = readDeployConfig({
      poolTarget: '3',
      internet: 'false',
      accessLogs: 'true',
      allowedOrigins: 'https://app.example.com',
    });
    expect(config).toMatchObject({
      poolTarget: 3,
      internet: false,
      accessLogs: true,
      allowedOrigins: ['https://app.example.com'],
    });
  });

  it('leaves the settings of the CDK alone', () => {
    const context = { '@aws-cdk/core:checkSecretUsage': true, 'aws:cdk:bundling-stacks': ['**'] };
    expect(() => readDeployConfig(context)).not.toThrow();
  });

  it('names every problem at once', () => {
    const wrong = {
      profile: 'staging',
      stackName: 'Has Spaces',
      region: 'mars',
      architecture: 'riscv',
      poolTarget: 'many',
      allowedOrigins: 'example.com',
      poolTraget: 3,
    };
    const read = () => readDeployConfig(wrong);
    for (const name of Object.keys(wrong)) expect(read).toThrow(name);
  });

  it.each([
    ['dev', false],
    ['prod', false],
    ['local', true],
  ])('offers a way out in %s: %s', (profile, internet) => {
    expect(readDeployConfig({ profile }).internet).toBe(internet);
    expect(readDeployConfig({ profile, internet: !internet }).internet).toBe(!internet);
  });

  it('refuses a pool in a network that is not deployed', () => {
    const setting = { openPoolTarget: 1 };
    expect(() => readDeployConfig(setting)).toThrow(/openPoolTarget/);
    expect(readDeployConfig({ ...setting, internet: true }).openPoolTarget).toBe(1);
  });

  it('refuses a ceiling on tasks that the pools alone would fill', () => {
    expect(() => readDeployConfig({ poolTarget: 5, maxRunningTasks: 5 })).toThrow(
      /maxRunningTasks|no sandbox could run/,
    );
  });

  it('refuses a budget that nobody would be told of', () => {
    expect(() => readDeployConfig({ monthlyBudgetUsd: 50 })).toThrow(/needs alarmEmail/);
    const told = { monthlyBudgetUsd: 50, alarmEmail: 'ops@example.com' };
    expect(readDeployConfig(told)).toMatchObject(told);
  });

  it('refuses several origins, which a fixed header cannot name', () => {
    expect(() =>
      readDeployConfig({ allowedOrigins: ['https://a.example', 'https://b.example'] }),
    ).toThrow(/takes one origin/);
  });

  it('refuses a default lifetime over the longest', () => {
    expect(() => readDeployConfig({ defaultLifetimeMs: 120_000, maxLifetimeMs: 60_000 })).toThrow(
      /must be at most maxLifetimeMs/,
    );
  });
});
