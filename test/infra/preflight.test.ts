/** What the preflight knows of the template by heart. */
import { expect, it } from 'vitest';
import { RESERVED_IN_PROD } from '../../tools/preflight/checks/quotas.ts';
import { assemblyOf, ofType } from './assembly.ts';

it('counts what the functions of prod reserve, and dev reserves nothing', async () => {
  const reserved = async (profile: 'dev' | 'prod') => {
    const { service } = await assemblyOf(profile);
    return [...ofType(service, 'AWS::Lambda::Function').values()].reduce(
      (sum, properties) => sum + Number(properties['ReservedConcurrentExecutions'] ?? 0),
      0,
    );
  };
  expect(await reserved('prod')).toBe(RESERVED_IN_PROD);
  expect(await reserved('dev')).toBe(0);
});
