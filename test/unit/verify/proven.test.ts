/** What a run of some of the trials changes in what is kept of all. */
import { expect, it } from 'vitest';
import type { Grant } from '../../../verify/grants/control.ts';
import { provenAfter } from '../../../verify/grants/proven.ts';

const grantOf = (action: string): Grant => ({
  role: 'FilesRole',
  policy: 'policy',
  statement: 0,
  action,
  resource: '*',
  functions: [],
  effect: 'Allow',
  used: 0,
  missed: 0,
});
const verdict = (action: string, killer: string | undefined, tried = true) => ({
  grant: grantOf(action),
  killer,
  tried,
  reason: '',
});

it('forgets what has survived or is gone, and keeps what was not tried', () => {
  const actions = ['killed', 'survived', 'untried', 'left'];
  const before = Object.fromEntries([...actions, 'gone'].map((name) => [`FilesRole ${name}`, 'a']));
  const verdicts = [
    verdict('killed', 'b'),
    verdict('survived', undefined),
    verdict('untried', undefined, false),
  ];
  expect(provenAfter(before, actions.map(grantOf), verdicts)).toEqual({
    'FilesRole killed': 'b',
    'FilesRole left': 'a',
    'FilesRole untried': 'a',
  });
});

it('of two grants of one name, that which survives counts', () => {
  const verdicts = [verdict('get', undefined), verdict('get', 'a')];
  expect(provenAfter({}, [grantOf('get')], verdicts)).toEqual({});
});
