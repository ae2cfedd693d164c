/** Every policy of the template against AWS's service authorization reference, and against what is proven or documented. */
import { describe, expect, it } from 'vitest';
import { assemblyOf, DEPLOYMENT_NAMES } from './assembly.ts';
import { statementsIn } from './reference/policies.ts';
import { problemsOf } from './reference/reference.ts';

describe('by the service authorization reference', () => {
  it.each(DEPLOYMENT_NAMES)(
    'every statement of %s has actions, resources and keys that exist',
    async (name) => {
      const { folder } = await assemblyOf(name);
      const statements = await statementsIn(folder);
      expect(statements.length).toBeGreaterThan(50);
      const problems = statements.flatMap((statement) =>
        problemsOf(statement).map((problem) => `${statement.owner}: ${problem}`),
      );
      expect([...new Set(problems)]).toEqual([]);
    },
  );

  it.each([
    ['an action that is none', { actions: ['dynamodb:Fetch'] }, /not in the extract/],
    ['a resource of another type', { resources: ['arn:aws:s3:::bucket'] }, /takes no resource/],
    [
      'an index for an item’s action',
      { resources: ['arn:aws:dynamodb:r:1:table/t/index/i'] },
      /takes no/,
    ],
    ['a key of another service', { conditionKeys: ['ecs:cluster'] }, /knows no condition key/],
  ])('a statement with %s is found', (_what, wrong, message) => {
    const right = {
      actions: ['dynamodb:GetItem'],
      resources: ['arn:aws:dynamodb:r:1:table/t'],
      conditionKeys: ['dynamodb:LeadingKeys', 'aws:PrincipalArn'],
    };
    expect(problemsOf(right)).toEqual([]);
    expect(problemsOf({ ...right, ...wrong }).join()).toMatch(message);
  });
});
