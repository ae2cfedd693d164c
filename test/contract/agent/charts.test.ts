/** Figures whose data are known become the charts that they show, beside their pictures. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Chart } from '../../../contract/charts.ts';
import type { EventOf } from '../../../contract/events.ts';
import { formsOf } from '../../../contract/forms.ts';
import { startAgent, type TestAgent } from '../../helpers/agent.ts';
import { AHEAD, preloaded } from '../../helpers/preloaded.ts';
import { hasModules } from '../../helpers/python-modules.ts';

const isPng = (base64 = ''): boolean =>
  Buffer.from(base64, 'base64').subarray(1, 4).toString() === 'PNG';

/** What a run shows, which must be a picture and its chart each. */
function chartsOf(results: readonly EventOf<'result'>[]): (Chart | undefined)[] {
  return results.map(({ data = {}, main }) => {
    const { chart, png } = formsOf(data);
    expect([main, isPng(png)]).toEqual([false, true]);
    return chart;
  });
}

const labels = { x_label: null, y_label: null, x_unit: null, y_unit: null };

const isHere = hasModules('IPython', 'matplotlib');
describe.skipIf(!isHere).each([
  { when: 'when it is imported', env: {} },
  { when: 'ahead of use', env: AHEAD },
])('a figure of matplotlib, loaded $when', ({ env }) => {
  let agent: TestAgent;
  beforeAll(async () => {
    agent = await startAgent({ driver: 'ipython', env });
    if (env === AHEAD) await preloaded(agent);
    await agent.run('import datetime\nimport matplotlib.pyplot as plt');
  }, 60_000);
  afterAll(() => agent[Symbol.asyncDispose]());

  const chartOf = async (code: string): Promise<Chart | undefined> => {
    const { error, results, stderr } = await agent.run(`${code}\nNone`);
    expect([error, stderr]).toEqual([undefined, '']);
    const [chart, ...others] = chartsOf(results);
    expect(others).toEqual([]);
    return chart;
  };

  it('of lines has their points, labels, units, ticks and scales', async () => {
    const chart = await chartOf(
      'plt.plot([1, 10, 100], [4, 5, 6])\nplt.plot([1, 2], [3, float("nan")], label="b")\nplt.axhline(3)\nplt.xscale("log")\nplt.title("T")\nplt.xlabel("Time (s)")\nplt.ylabel("Speed [m/s]")\nplt.yticks([4, 5])',
    );
    expect(chart).toMatchObject({
      type: 'line',
      title: 'T',
      x_label: 'Time (s)',
      x_unit: 's',
      y_label: 'Speed [m/s]',
      y_unit: 'm/s',
      x_scale: 'log',
      y_scale: 'linear',
      y_ticks: [4, 5],
      y_tick_labels: ['4', '5'],
      elements: [
        {
          label: 'Line 0',
          points: [
            [1, 4],
            [10, 5],
            [100, 6],
          ],
        },
        {
          label: 'b',
          points: [
            [1, 3],
            [2, null],
          ],
        },
      ],
    });
  });

  it('over dates has them in ISO 8601', async () => {
    const chart = await chartOf(
      'plt.plot([datetime.date(2026, 1, 1), datetime.date(2026, 1, 5)], [1, 2])',
    );
    expect(chart).toMatchObject({
      type: 'line',
      x_scale: 'datetime',
      elements: [
        {
          points: [
            ['2026-01-01', 1],
            ['2026-01-05', 2],
          ],
        },
      ],
    });
    expect(chart?.type === 'line' && chart.x_ticks[0]).toBe('2026-01-01T00:00:00');
  });

  it('of points has them, whether scattered or drawn without a line', async () => {
    const points = [
      [1, 3],
      [2, 2],
    ];
    expect(await chartOf('plt.scatter([1, 2], [3, 2], label="p")')).toMatchObject({
      type: 'scatter',
      x_label: null,
      elements: [{ label: 'p', points }],
    });
    expect(await chartOf('plt.plot([1, 2], [3, 2], "o")')).toMatchObject({
      type: 'scatter',
      elements: [{ points }],
    });
    const named = await chartOf('plt.scatter(["a", "b"], [3, 2])');
    expect(named).toMatchObject({
      x_scale: 'categorical',
      elements: [
        {
          points: [
            ['a', 3],
            ['b', 2],
          ],
        },
      ],
    });
  });

  it('of bars has a value of each, upright, lying or in groups', async () => {
    expect(await chartOf('plt.bar(["a", "b"], [1, 2.5], label="sold")')).toEqual({
      type: 'bar',
      title: null,
      ...labels,
      elements: [
        { label: 'a', group: 'sold', value: 1 },
        { label: 'b', group: 'sold', value: 2.5 },
      ],
    });
    expect(await chartOf('plt.barh(["p", "q"], [5, 6])')).toMatchObject({
      type: 'bar',
      elements: [
        { label: 'p', value: 5 },
        { label: 'q', value: 6 },
      ],
    });
    const grouped = await chartOf(
      'plt.bar([-0.2, 0.8], [1, 2], 0.4, label="x")\nplt.bar([0.2, 1.2], [3, 4], 0.4, label="y")\nplt.xticks([0, 1], ["m", "n"])',
    );
    expect(grouped?.elements).toEqual([
      { label: 'm', group: 'x', value: 1 },
      { label: 'n', group: 'x', value: 2 },
      { label: 'm', group: 'y', value: 3 },
      { label: 'n', group: 'y', value: 4 },
    ]);
    const counted = await chartOf('plt.hist([1, 1, 2, 3, 3, 3], bins=[0.5, 1.5, 2.5, 3.5])');
    expect(counted?.elements).toMatchObject([
      { label: '1', value: 2 },
      { label: '2', value: 1 },
      { label: '3', value: 3 },
    ]);
  });

  it('of a pie has its slices', async () => {
    expect(await chartOf('plt.pie([1, 3], labels=["x", "y"])\nplt.title("P")')).toEqual({
      type: 'pie',
      title: 'P',
      elements: [
        { label: 'x', angle: 90, radius: 1 },
        { label: 'y', angle: 270, radius: 1 },
      ],
    });
  });

  it.each(['', ', patch_artist=True', ', vert=False', ', notch=True'])(
    'of boxes has their numbers%s',
    async (option) => {
      const chart = await chartOf(
        `plt.boxplot([[84, 85, 86, 87, 90, 76, 88], [1, 2, 3, 4, 100]], labels=["m", "n"]${option})`,
      );
      expect(chart).toMatchObject({
        type: 'box_and_whisker',
        elements: [
          {
            label: 'm',
            min: 84,
            first_quartile: 84.5,
            median: 86,
            third_quartile: 87.5,
            max: 90,
            outliers: [76],
          },
          { label: 'n', min: 1, median: 3, max: 4, outliers: [100] },
        ],
      });
    },
  );

  it('of several axes is a superchart, and of anything else unknown', async () => {
    const several = await chartOf(
      'fig, (a, b) = plt.subplots(1, 2)\na.plot([1, 2])\nb.bar([1], [3])\nb.set_title("B")\nfig.suptitle("S")',
    );
    expect(several).toMatchObject({
      type: 'superchart',
      title: 'S',
      elements: [
        { type: 'line', title: null },
        { type: 'bar', title: 'B' },
      ],
    });
    const unknown = await chartOf('plt.imshow([[1, 2]])\nplt.colorbar()\nplt.title("im")');
    expect(unknown).toEqual({ type: 'unknown', title: 'im', elements: [] });
  });

  it('is shown once at the end of its cell and closed, or where the code shows it', async () => {
    const { events } = await agent.run('print("a")\nplt.plot([1])\nplt.show()\nprint("b")');
    expect(events.map(({ type }) => type).slice(1, -1)).toEqual(['stdout', 'result', 'stdout']);
    expect((await agent.run('plt.plot([1])\nprint("c")\nNone')).results).toHaveLength(1);
    expect((await agent.run('len(plt.get_fignums())')).results).toMatchObject([
      { data: { 'text/plain': '0' } },
    ]);
    const failed = await agent.run('plt.plot([1])\n1 / 0');
    expect(chartsOf(failed.results)).toMatchObject([{ type: 'line' }]);
    expect(failed.finished.outcome).toBe('error');
  });

  it('of many points has some of them, evenly taken, and says of how many', async () => {
    const chart = await chartOf('plt.plot(range(100_001))');
    const [line] = chart?.type === 'line' ? chart.elements : [];
    expect(line?.points.length).toBeLessThanOrEqual(5_000);
    expect(line).toMatchObject({ total_points: 100_001 });
    expect([line?.points[0], line?.points.at(-1)]).toEqual([
      [0, 0],
      [100_000, 100_000],
    ]);
  });

  it.skipIf(!hasModules('pandas'))('drawn by pandas says the same', async () => {
    await agent.run(
      'import pandas as pd\ndf = pd.DataFrame({"v": [1.5, 2.5], "w": [1, 2]}, index=pd.date_range("2026-01-01", periods=2))',
    );
    expect(await chartOf('df.plot()')).toMatchObject({
      type: 'line',
      x_scale: 'datetime',
      elements: [
        {
          label: 'v',
          points: [
            ['2026-01-01T00:00:00', 1.5],
            ['2026-01-02T00:00:00', 2.5],
          ],
        },
        { label: 'w' },
      ],
    });
    expect((await chartOf('df.reset_index(drop=True).plot.bar()'))?.elements).toMatchObject([
      { label: '0', group: 'v', value: 1.5 },
      { label: '1', group: 'v', value: 2.5 },
      { label: '0', group: 'w', value: 1 },
      { label: '1', group: 'w', value: 2 },
    ]);
    expect(await chartOf('df.plot.box()')).toMatchObject({
      type: 'box_and_whisker',
      elements: [{ label: 'v', median: 2 }, { label: 'w' }],
    });
    expect(await chartOf('df.plot.pie(y="w")')).toMatchObject({
      type: 'pie',
      elements: [{ angle: 120 }, { angle: 240 }],
    });
    expect(await chartOf('df.plot.scatter("v", "w")')).toMatchObject({
      type: 'scatter',
      x_label: 'v',
    });
  });
});
