/** IAM's decision within one account, against what its documents say. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isArnLike } from '../../../local/services/iam/arn.ts';
import { checkConditions } from '../../../local/services/iam/conditions.ts';
import { decide, type Question } from '../../../local/services/iam/decision.ts';
import { readPolicy } from '../../../local/services/iam/policy.ts';

const ROLE = 'arn:aws:iam::000000000000:role/reader';
const TABLE = 'arn:aws:dynamodb:us-east-1:000000000000:table/state';

const policy = (...statements: object[]) => readPolicy('p', { Statement: statements });
const allow = (more: object = {}) => ({
  Effect: 'Allow',
  Action: 'dynamodb:GetItem',
  Resource: TABLE,
  ...more,
});
const deny = (more: object = {}) => ({ ...allow(more), Effect: 'Deny' });

const ask = (question: Partial<Question> & { context?: Question['context'] }) =>
  decide({
    caller: { kind: 'AWS', id: ROLE },
    right: { action: 'dynamodb:GetItem', resource: TABLE },
    context: new Map(),
    identityPolicies: [],
    resourcePolicies: [],
    ...question,
  });
const allowedBy = (...statements: object[]) =>
  ask({ identityPolicies: [policy(...statements)] }).allowed;

describe('a decision', () => {
  it('is no where nothing allows', () => {
    expect(ask({})).toEqual({ allowed: false, deniedBy: undefined });
    expect(allowedBy(allow({ Action: 'dynamodb:PutItem' }))).toBe(false);
    expect(allowedBy(allow({ Resource: `${TABLE}/index/gsi1` }))).toBe(false);
  });

  it('is yes by the caller’s policy or by the resource’s, and tells which grant it was', () => {
    const identity = policy(allow({ Action: ['dynamodb:PutItem', 'dynamodb:getitem'] }));
    const resource = policy(allow({ Principal: { AWS: ROLE } }));
    expect(ask({ identityPolicies: [identity] })).toEqual({
      allowed: true,
      by: [{ policy: identity, index: 0, action: 'dynamodb:getitem', resource: TABLE }],
    });
    expect(ask({ resourcePolicies: [resource] }).allowed).toBe(true);
    const other = policy(allow({ Principal: { AWS: `${ROLE}s` } }));
    expect(ask({ resourcePolicies: [other] }).allowed).toBe(false);
  });

  it('is no by one Deny, whoever allows', () => {
    const identityPolicies = [policy(allow(), deny())];
    expect(ask({ identityPolicies })).toEqual({ allowed: false, deniedBy: 'identity' });
    const resourcePolicies = [policy(deny({ Principal: '*' }))];
    expect(ask({ identityPolicies: [policy(allow())], resourcePolicies })).toEqual({
      allowed: false,
      deniedBy: 'resource',
    });
  });

  it('is as if an omitted grant were not there; a Deny cannot be omitted', () => {
    const isOmitted = () => true;
    expect(ask({ identityPolicies: [policy(allow())], isOmitted }).allowed).toBe(false);
    const denied = ask({ identityPolicies: [policy(allow(), deny())], isOmitted });
    expect(denied).toMatchObject({ deniedBy: 'identity' });
  });

  const statement = fc.record({
    Effect: fc.constantFrom('Allow', 'Deny'),
    Action: fc.subarray(['dynamodb:GetItem', 'dynamodb:*', 'dynamodb:PutItem', '*'], {
      minLength: 1,
    }),
    Resource: fc.subarray([TABLE, `${TABLE}/index/*`, '*'], { minLength: 1 }),
  });

  it('holds by the order of no statement, and each further one only does what its effect says', () => {
    fc.assert(
      fc.property(fc.array(statement, { maxLength: 5 }), statement, (statements, more) => {
        const before = allowedBy(...statements);
        expect(allowedBy(...statements.toReversed())).toBe(before);
        const after = allowedBy(...statements, more);
        if (more.Effect === 'Allow') expect(before && !after).toBe(false);
        else expect(!before && after).toBe(false);
        const isDenied = statements.some(
          ({ Effect, Action, Resource }) =>
            Effect === 'Deny' &&
            (Action.length > 1 || Action[0] !== 'dynamodb:PutItem') &&
            (Resource.includes(TABLE) || Resource.includes('*')),
        );
        if (isDenied) expect(before).toBe(false);
      }),
    );
  });
});

describe('a pattern of ARNs', () => {
  it('has wildcards that stay within their part', () => {
    expect(isArnLike('arn:aws:s3:::bucket/*', 'arn:aws:s3:::bucket/a/b:c')).toBe(true);
    expect(isArnLike('arn:aws:s3:::bucket/?', 'arn:aws:s3:::bucket/ab')).toBe(false);
    expect(isArnLike('arn:aws:*:state', TABLE)).toBe(false);
    expect(isArnLike('arn:aws:ecs:*:*:task/main/*', 'arn:aws:ecs:r:1:task/main/x')).toBe(true);
    expect(isArnLike('*', 'anything')).toBe(true);
    expect(isArnLike(TABLE, '*')).toBe(false);
  });

  it('of an ARN without wildcards is that ARN and no other', () => {
    const part = fc.string({ unit: fc.constantFrom('a', 'b', '.', '/', '-', '+') });
    const arn = fc.array(part, { minLength: 6, maxLength: 7 }).map((parts) => parts.join(':'));
    fc.assert(
      fc.property(arn, arn, (one, other) => {
        expect(isArnLike(one, one)).toBe(true);
        expect(isArnLike(one, other)).toBe(one === other);
      }),
    );
  });
});

describe('a condition', () => {
  const holdsIf = (Condition: object, context: Record<string, string[]>) =>
    ask({
      identityPolicies: [policy(allow({ Condition }))],
      context: new Map(Object.entries(context)),
    }).allowed;
  const CLUSTER = 'arn:aws:ecs:us-east-1:000000000000:cluster/main';

  it.each<[string, object, Record<string, string[]>, boolean]>([
    ['equal text', { StringEquals: { 'a:B': ['x', 'y'] } }, { 'a:b': ['y'] }, true],
    ['other text', { StringEquals: { 'a:b': 'x' } }, { 'a:b': ['X'] }, false],
    ['no such key', { StringEquals: { 'a:b': 'x' } }, {}, false],
    ['no such key, if it exists', { StringEqualsIfExists: { 'a:b': 'x' } }, {}, true],
    ['no such key, negated', { StringNotEquals: { 'a:b': 'x' } }, {}, true],
    ['a pattern', { StringLike: { 'a:b': 't_*' } }, { 'a:b': ['t_1'] }, true],
    ['none of the patterns', { StringNotLike: { 'a:b': ['x', 'y*'] } }, { 'a:b': ['ya'] }, false],
    ['an ARN', { ArnEquals: { 'ecs:cluster': CLUSTER } }, { 'ecs:cluster': [CLUSTER] }, true],
    ['a key that must be there', { Null: { 'a:b': 'false' } }, {}, false],
    ['a key that must not', { Null: { 'a:b': true } }, {}, true],
    [
      'false',
      { Bool: { 'aws:SecureTransport': false } },
      { 'aws:securetransport': ['true'] },
      false,
    ],
    ['all values', { 'ForAllValues:StringLike': { k: 't*' } }, { k: ['t1', 't2'] }, true],
    ['not all values', { 'ForAllValues:StringLike': { k: 't*' } }, { k: ['t1', 'x'] }, false],
    ['all of no values', { 'ForAllValues:StringLike': { k: 't*' } }, {}, true],
    ['any value', { 'ForAnyValue:StringEquals': { k: 't' } }, { k: ['x', 't'] }, true],
    ['any of no values', { 'ForAnyValue:StringEquals': { k: 't' } }, {}, false],
    [
      'one of two operators',
      { StringEquals: { k: 't' }, StringLike: { l: 'x' } },
      { k: ['t'], l: ['y'] },
      false,
    ],
  ])('with %s', (_what, condition, context, expected) => {
    expect(holdsIf(condition, context)).toBe(expected);
  });
});

describe('a policy that cannot be evaluated is refused', () => {
  it.each<[string, object, RegExp]>([
    ['an exception to actions', { ...allow(), NotAction: 'x' }, /NotAction/],
    ['an unknown effect', { ...allow(), Effect: 'Maybe' }, /Effect/],
    ['a variable', allow({ Resource: 'arn:aws:s3:::b/${aws:username}' }), /variable \$\{aws:user/],
    ['an account as principal', allow({ Principal: { AWS: '000000000000' } }), /only \* and roles/],
  ])('for %s', (_what, statement, message) => {
    expect(() => policy(statement)).toThrow(message);
  });

  it.each([
    ['an operator', { DateLessThan: { 'aws:PrincipalArn': 'x' } }, /operator DateLessThan/],
    ['a key', { StringEquals: { 'aws:RequestedRegion': 'x' } }, /aws:RequestedRegion/],
  ])(
    'for %s that is not known here, of a service whose requests are checked',
    (_what, Condition, message) => {
      expect(() => checkConditions(policy(allow({ Condition })))).toThrow(message);
      const elsewhere = policy({ ...allow({ Condition }), Action: 'kms:Decrypt' });
      expect(() => checkConditions(elsewhere)).not.toThrow();
    },
  );
});
