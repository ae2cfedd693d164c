/** Each right has either been seen to be needed (`npm run verify:grants -- --write`) or stands with the document that demands it. */
import { expect, it } from 'vitest';
import { provenName } from '../../verify/grants/names.ts';
import { isOnBehalf } from '../../verify/grants/on-behalf.ts';
import { readProven } from '../../verify/grants/proven.ts';
import { SCENARIOS } from '../../verify/grants/scenarios/index.ts';
import { assemblyOf, ofType } from './assembly.ts';
import { statementsOf } from './statements.ts';

it.each(['dev', 'prod', 'internet'] as const)(
  '%s: each right is proven or on behalf of AWS',
  async (profile) => {
    const { service } = await assemblyOf(profile);
    const proven = await readProven();
    const roles = [...ofType(service, 'AWS::IAM::Role').keys()];
    const unproven = roles.flatMap((id) => {
      const role = id.replace(/[0-9A-F]{8}$/, '');
      return statementsOf(service, id)
        .filter(({ effect }) => effect === 'Allow')
        .flatMap(({ actions, resources }) =>
          actions
            .filter((action) => !isOnBehalf(role, action))
            .flatMap((action) => resources.map((resource) => provenName(role, action, resource))),
        )
        .filter((name) => !(name in proven));
    });
    expect(unproven).toEqual([]);
  },
);

it('names killers that exist', async () => {
  const names = SCENARIOS.map(({ name }) => name);
  for (const killer of Object.values(await readProven())) expect(names).toContain(killer);
});
