/** Figures that pandas and seaborn draw become the charts that they show: data that are known, told again. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formsOf } from '../../../contract/forms.ts';
import { startAgent, type TestAgent } from '../../helpers/agent.ts';
import { AHEAD, preloaded } from '../../helpers/preloaded.ts';
import { hasModules } from '../../helpers/python-modules.ts';

type Value = string | number;

/** `'a', 1, 'b', 2` is a at 1 and b at 2. */
const points = (...values: readonly Value[]) =>
  Array.from({ length: values.length / 2 }, (_, at) => values.slice(2 * at, 2 * at + 2));
const series = (label: string, ...values: readonly Value[]) => ({
  label,
  points: points(...values),
});
const bars = (...values: readonly Value[]) => ({
  type: 'bar',
  elements: points(...values).map(([label, value]) => ({ label, value })),
});
const boxes = (...elements: readonly object[]) => ({ type: 'box_and_whisker', elements });
const line = (...elements: readonly object[]) => ({ type: 'line', elements });
const scatter = (...elements: readonly object[]) => ({ type: 'scatter', elements });
const together = (...elements: readonly object[]) => ({ type: 'superchart', elements });
const UNKNOWN = { type: 'unknown', elements: [] };

interface Library {
  readonly name: string;
  /** Before its figures. */
  readonly code: string;
  readonly figures: readonly (readonly [code: string, chart: object])[];
}

const PANDAS: Library = {
  name: 'pandas',
  code: 'import pandas as pd\ndf = pd.DataFrame({"v": [1, 2, 4], "w": [3, 2, 1]}, list("abc"))\ndays = pd.Series([1, 2], pd.date_range("2026-01-01", periods=2))',
  figures: [
    ['df.plot.bar()', bars('a', 1, 'b', 2, 'c', 4, 'a', 3, 'b', 2, 'c', 1)],
    ['df.plot.bar(stacked=True)', bars('a', 1, 'b', 2, 'c', 4, 'a', 3, 'b', 2, 'c', 1)],
    ['df.v.plot.barh()', bars('a', 1, 'b', 2, 'c', 4)],
    ['df.v.plot.hist(bins=[0.5, 1.5, 2.5, 4.5])', bars('1', 1, '2', 1, '3.5', 1)],
    ['df.plot()', line(series('v', 0, 1, 1, 2, 2, 4), series('w', 0, 3, 1, 2, 2, 1))],
    ['days.plot()', line({ points: points('2026-01-01T00:00:00', 1, '2026-01-02T00:00:00', 2) })],
    // Drawn one on the other.
    ['df.plot.area()', line(series('v', 0, 1, 1, 2, 2, 4), series('w', 0, 4, 1, 4, 2, 5))],
    ['df.plot(subplots=True)', together(line({ label: 'v' }), line({ label: 'w' }))],
    [
      'df.plot(y="v", logy=True, xlabel="Time (s)")',
      { ...line({ label: 'v' }), x_unit: 's', y_scale: 'log' },
    ],
    ['df.plot.scatter("v", "w")', scatter({ points: points(1, 3, 2, 2, 4, 1) })],
    [
      'df.v.plot.pie()',
      { type: 'pie', elements: [51.4286, 102.8571, 205.7143].map((angle) => ({ angle })) },
    ],
    ['df.boxplot()', boxes({ label: 'v', median: 2, max: 4 }, { label: 'w', max: 3 })],
    ['df.plot.hexbin("v", "w", gridsize=3)', UNKNOWN],
  ],
};

const SEABORN: Library = {
  name: 'seaborn',
  code: 'import pandas as pd, seaborn as sns\ndf = pd.DataFrame({"d": ["a", "b"] * 4, "v": range(8), "h": ["x", "x", "y", "y"] * 2})\ndays = pd.date_range("2026-01-01", periods=2)',
  figures: [
    ['sns.barplot(data=df, x="d", y="v")', { ...bars('a', 3, 'b', 4), x_label: 'd' }],
    ['sns.barplot(data=df, x="d", y="v", hue="h")', bars('a', 2, 'b', 3, 'a', 4, 'b', 5)],
    ['sns.countplot(x=["a", "b", "a"])', bars('a', 2, 'b', 1)],
    [
      'sns.histplot([1, 1, 2, 3, 3, 3], bins=[0.5, 1.5, 2.5, 3.5])',
      { ...bars('1', 2, '2', 1, '3', 3), y_label: 'Count' },
    ],
    [
      'sns.boxplot(data=df, x="d", y="v")',
      boxes({ label: 'a', min: 0, median: 3, max: 6 }, { label: 'b', min: 1, median: 4, max: 7 }),
    ],
    ['sns.boxplot(x=[1, 2, 3, 4, 100])', boxes({ median: 3, max: 4, outliers: [100] })],
    [
      'sns.scatterplot(data=df.head(2), x="d", y="v")',
      { ...scatter({ points: points('a', 0, 'b', 1) }), x_scale: 'categorical' },
    ],
    [
      'sns.lineplot(data=df, x="d", y="v", hue="h", errorbar=None)',
      line(series('x', 'a', 2, 'b', 3), series('y', 'a', 4, 'b', 5)),
    ],
    [
      'sns.lineplot(x=days, y=[1, 2])',
      line({ points: points('2026-01-01T00:00:00', 1, '2026-01-02T00:00:00', 2) }),
    ],
    [
      'sns.regplot(x=[1, 2, 3], y=[2, 4, 6], ci=None)',
      scatter({ points: points(1, 2, 2, 4, 3, 6) }, { label: 'Line 1' }),
    ],
    ['sns.heatmap([[1, 2], [3, 4]])', UNKNOWN],
    [
      'sns.relplot(data=df, x="v", y="v", col="h")',
      together(
        { ...scatter({ points: points(0, 0, 1, 1, 4, 4, 5, 5) }), title: 'h = x' },
        { ...scatter({ points: points(2, 2, 3, 3, 6, 6, 7, 7) }), title: 'h = y' },
      ),
    ],
  ],
};

describe.each([
  { ...PANDAS, when: 'when it is imported' },
  { ...PANDAS, when: 'ahead of use' },
  { ...SEABORN, when: 'when it is imported' },
])('a figure that $name draws, loaded $when', ({ name, code, figures, when }) => {
  const isHere = hasModules('IPython', 'matplotlib', name);
  let agent: TestAgent;
  beforeAll(async () => {
    if (!isHere) return;
    const isAhead = when === 'ahead of use';
    agent = await startAgent({ driver: 'ipython', ...(isAhead ? { env: AHEAD } : {}) });
    if (isAhead) await preloaded(agent);
    expect((await agent.run(code, { timeoutMs: 60_000 })).error).toBeUndefined();
  }, 90_000);
  afterAll(() => agent?.[Symbol.asyncDispose]());

  it.skipIf(!isHere).each(figures)('by %s says what was plotted', async (figure, chart) => {
    const { error, results, stderr } = await agent.run(`${figure}\nNone`);
    expect([error, stderr]).toEqual([undefined, '']);
    expect(results.map(({ data = {} }) => formsOf(data).chart)).toMatchObject([chart]);
  });
});
