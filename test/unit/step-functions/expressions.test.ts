import { describe, expect, it } from 'vitest';
import { evaluate } from '../../../local/services/step-functions/interpreter/expressions.ts';
import type { Json } from '../../../local/services/step-functions/interpreter/json.ts';
import { VirtualClock } from '../../helpers/virtual-clock.ts';

const of = (template: Json, variables: Record<string, Json> = {}) =>
  evaluate(template, 'Output', {
    clock: new VirtualClock(),
    random: () => 0.25,
    variables,
    states: { input: { items: [1, 2, 3], one: [7] } },
  });

describe('an expression', () => {
  it('is what stands between {% and %}, and nothing else', async () => {
    expect(await of(' {% 1 %}')).toBe(' {% 1 %}');
    expect(
      await of(['{% 1 + 1 %}', { a: null, b: '$states.input', c: '{%$x%}' }], { x: [] }),
    ).toEqual([2, { a: null, b: '$states.input', c: [] }]);
  });

  it.each<[string, Json]>([
    ['$states.input.items[0]', 1],
    ['$sum($states.input.items)', 6],
    ['$partition([1, 2, 3, 4, 5], 2)', [[1, 2], [3, 4], [5]]],
    ['$range(0, 10, 5)', [0, 5, 10]],
    ['$range(3, 1, -1)', [3, 2, 1]],
    ["$hash('a', 'SHA-256')", 'ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb'],
    ['$random()', 0.25],
    ['$parse(\'{"a": 1}\')', { a: 1 }],
    ['$millis()', 1_700_000_000_000],
    ['$now()', '2023-11-14T22:13:20.000Z'],
    ["$now('[H01]:[m01]', '+0100')", '23:13'],
    ['$match($uuid(), /^[0-9a-f-]{36}$/).index', 0],
    ['{"a": $states.nothing}', {}],
    ['[]', []],
    ['null', null],
  ])('%s', async (source, value) => {
    expect(await of(`{% ${source} %}`)).toEqual(value);
  });

  it.each([
    ['$states.nothing', /returned nothing \(undefined\)/],
    ['$eval("1")', /Attempted to invoke a non-function/],
    ['function($x){ $x }', /returned a function/],
    ['[function($x){ $x }]', /returned a function/],
    ["1 + 'a'", /must be of type|must evaluate to a number|number/i],
    ["$hash('a', 'CRC')", /\$hash knows MD5/],
    ['$range(0, 10000, 1)', /at most 1000/],
    ['$partition([1], 0)', /size of at least 1/],
    ["$error('as asked')", /as asked/],
  ])('%s fails and names the field', async (source, message) => {
    const failed = of({ a: `{% ${source} %}` });
    await expect(failed).rejects.toMatchObject({
      error: 'States.QueryEvaluationError',
      location: 'Output.a',
    });
    await expect(failed).rejects.toThrow(message);
  });

  it.each(['($f := function($n){ $f($n + 1) + 1 }; $f(0))', '[1..9000000]'])(
    '%s is ended',
    async (source) => {
      await expect(of(`{% ${source} %}`)).rejects.toMatchObject({
        error: 'States.QueryEvaluationError',
      });
    },
  );
});
