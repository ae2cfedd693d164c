import { expect, test } from 'vitest';
import { behaviourOf } from '../../../local/services/profile.ts';
import { Chance } from '../../../local/services/shared/chance.ts';

const draws = (chance: Chance, count = 2_000) => Array.from({ length: count }, () => chance.next());

test('the same seed draws the same, another one differs', () => {
  expect(draws(new Chance(7))).toEqual(draws(new Chance(7)));
  expect(draws(new Chance(7))).not.toEqual(draws(new Chance(8)));
});

test('draws lie evenly between 0 and 1, and whole numbers between their bounds', () => {
  const chance = new Chance(1);
  const mean = draws(chance).reduce((sum, draw) => sum + draw, 0) / 2_000;
  expect(mean).toBeGreaterThan(0.47);
  expect(mean).toBeLessThan(0.53);
  const whole = new Set(Array.from({ length: 500 }, () => chance.between(3, 6)));
  expect([...whole].sort((a, b) => a - b)).toEqual([3, 4, 5, 6]);
});

test('one part of the world that draws more changes nothing for another', () => {
  const one = new Chance(5).of('indexes');
  const chance = new Chance(5);
  draws(chance.of('transactions'));
  draws(chance);
  expect(draws(chance.of('indexes'))).toEqual(draws(one));
});

test('profile aws repeats itself by its seed, and profile fast draws nothing', () => {
  const lags = (seed: number) => {
    const { dynamodb } = behaviourOf({ profile: 'aws', seed });
    return Array.from({ length: 20 }, () => dynamodb.indexLagMs?.());
  };
  expect(lags(3)).toEqual(lags(3));
  expect(lags(3)).not.toEqual(lags(4));
  expect(behaviourOf({ profile: 'fast', seed: 3 })).toMatchObject({
    dynamodb: {},
    ecs: {},
    events: {},
    lambda: {},
  });
});
