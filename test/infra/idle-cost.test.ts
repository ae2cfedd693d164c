import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FREE_WHEN_IDLE } from '../../bench/costs/free-when-idle.ts';
import { idleCosts, idleTable, PRICED, totalOf } from '../../bench/costs/idle.ts';
import { PRICES, PRICES_AT } from '../../bench/costs/prices.ts';
import { ROOT } from '../../local/cli/build/paths.ts';
import { assemblyOf, DEPLOYMENT_NAMES, type DeploymentName } from './assembly.ts';

async function costsOf(name: DeploymentName) {
  const { data, service } = await assemblyOf(name);
  return idleCosts(data, service);
}

const document = () => readFile(join(ROOT, 'docs/costs.md'), 'utf8');

describe('an idle month', () => {
  it.each(DEPLOYMENT_NAMES)('of %s has a price for each resource that costs', async (name) => {
    expect(totalOf(await costsOf(name))).toBeGreaterThan(14);
  });

  it.each(['dev', 'prod'] as const)('of %s stands in docs/costs.md, line by line', async (name) => {
    expect(await document()).toContain(idleTable(await costsOf(name)));
  });

  it('of a resource that nobody has priced is an error', () => {
    const template = { Resources: { Gateway: { Type: 'AWS::EC2::NatGateway' } } };
    expect(() => idleCosts(template)).toThrow(
      /Gateway: AWS::EC2::NatGateway is neither priced nor named as free/,
    );
  });

  it('has no type in both lists', () => {
    expect(Object.keys(PRICED).filter((type) => type in FREE_WHEN_IDLE)).toEqual([]);
  });

  it('grows by the size, number and architecture of warm tasks', async () => {
    const { data, service } = await assemblyOf('prod');
    const warm = (edit: (text: string) => string) =>
      idleCosts(JSON.parse(edit(JSON.stringify(data))), JSON.parse(edit(JSON.stringify(service))))
        .filter(({ what }) => what.startsWith('warm pool'))
        .map(({ monthlyUsd }) => Number(monthlyUsd.toFixed(2)));
    expect(warm((text) => text)).toEqual([36.04]);
    expect(warm((text) => text.replaceAll('X86_64', 'ARM64'))).toEqual([28.84]);
    expect(warm((text) => text.replaceAll('"POOL_TARGET":"1"', '"POOL_TARGET":"3"'))).toEqual([
      108.12,
    ]);
    expect(warm((text) => text.replaceAll('"POOL_TARGET":"1"', '"POOL_TARGET":"0"'))).toEqual([]);
  });
});

describe('the price table', () => {
  it('is dated, and says of each price where it stands and how it is known', () => {
    expect(PRICES_AT).toMatch(/^20\d\d-\d\d-\d\d$/);
    for (const { usd, per, page } of Object.values(PRICES)) {
      expect(usd).toBeGreaterThan(0);
      expect(per).not.toBe('');
      expect(page).toMatch(/^https:\/\/aws\.amazon\.com\/[a-z0-9-]+\/pricing\/$/);
    }
  });
});
