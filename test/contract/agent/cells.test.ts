/**
 * Cells as people write them, one after the other in one context: what each shows, by kind and content.
 * Those whose libraries this machine does not have are left out by name.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formsOf } from '../../../contract/forms.ts';
import { startAgent, type TestAgent } from '../../helpers/agent.ts';
import { hasModules } from '../../helpers/python-modules.ts';

interface Cell {
  readonly code: string;
  readonly needs?: string;
  readonly stdout?: string;
  /** Of each result. */
  readonly shows?: readonly Record<string, unknown>[];
  readonly error?: string;
}

const html = (part: string) => ({ html: expect.stringContaining(part) });
const plot = (chart: Record<string, unknown>) => ({
  png: expect.stringMatching(/^iVBOR/),
  chart: expect.objectContaining(chart),
});

const CELLS: readonly Cell[] = [
  { code: '2 ** 10', shows: [{ text: '1024' }] },
  { code: 'x = 41\nx + 1;' },
  { code: '"a\\nb"', shows: [{ text: "'a\\nb'" }] },
  { code: 'for i in range(3): print(i, end=" ")', stdout: '0 1 2 ' },
  { code: '{"k": [1, None]}', shows: [{ json: { k: [1, null] } }] },
  { code: '_["k"]', shows: [{ json: [1, null] }] },
  {
    code: 'from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\nP(3)',
    shows: [{ text: 'P(x=3)' }],
  },
  { code: 'import json; print(json.dumps({"a": 1}))', stdout: '{"a": 1}\n' },
  { code: '%pwd', shows: [{ text: expect.stringMatching(/^'\/.+'$/) }] },
  { code: '!echo $((6 * 7))', stdout: '42\n' },
  { code: 'files = !printf "a\\nb"\nlist(files)', shows: [{ json: ['a', 'b'] }] },
  { code: '%%bash\nfor i in 1 2; do echo $i; done', stdout: '1\n2\n' },
  { code: '%%writefile note.txt\nhello', stdout: 'Writing note.txt\n' },
  { code: 'print(open("note.txt").read().strip())', stdout: 'hello\n' },
  { code: '%%html\n<b>bold</b>', shows: [html('<b>bold</b>')] },
  {
    code: 'from IPython.display import Markdown, SVG, Latex, display\ndisplay(Markdown("# T"), Latex("$a$"))',
    shows: [{ markdown: '# T' }, { latex: '$a$' }],
  },
  {
    code: 'SVG("<svg xmlns=\'http://www.w3.org/2000/svg\'/>")',
    shows: [{ svg: expect.any(String) }],
  },
  { code: 'import asyncio\nawait asyncio.gather(asyncio.sleep(0, 1))', shows: [{ json: [1] }] },
  { code: 'def f(n): return n if n < 2 else f(n - 1) + f(n - 2)\nf(15)', shows: [{ text: '610' }] },
  { code: 'undefined_name', error: 'NameError' },
  { code: 'x', shows: [{ text: '41' }] },
  {
    needs: 'numpy',
    code: 'import numpy as np\na = np.arange(6).reshape(2, 3)\na.sum(axis=0)',
    shows: [{ text: 'array([3, 5, 7])' }],
  },
  { needs: 'numpy', code: 'np.linalg.det(np.eye(3))', shows: [{ text: '1.0' }] },
  {
    needs: 'pandas',
    code: 'import pandas as pd\ndf = pd.DataFrame({"city": ["Bonn", "Ulm", "Bonn"], "n": [1, 2, 3]})\ndf.head(2)',
    shows: [{ ...html('<table'), data: expect.objectContaining({ rowCount: 2 }) }],
  },
  {
    needs: 'pandas',
    code: 'df.groupby("city", as_index=False).n.sum()',
    shows: [
      {
        data: expect.objectContaining({
          columns: [
            { name: 'city', type: 'object', values: ['Bonn', 'Ulm'] },
            { name: 'n', type: 'int64', values: [4, 2] },
          ],
        }),
      },
    ],
  },
  { needs: 'pandas', code: 'df.n.describe()["mean"]', shows: [{ text: '2.0' }] },
  {
    needs: 'pandas',
    code: 'df.to_csv("t.csv", index=False)\npd.read_csv("t.csv").shape',
    shows: [{ text: '(3, 2)' }],
  },
  { needs: 'pandas', code: 'df["missing"]', error: 'KeyError' },
  {
    needs: 'matplotlib',
    code: 'import matplotlib.pyplot as plt\nfig, ax = plt.subplots()\nax.plot([1, 2], [3, 4], label="s")\nax.set_title("T")\nplt.show()',
    shows: [plot({ type: 'line', title: 'T' })],
  },
  {
    needs: 'matplotlib',
    code: 'plt.savefig("empty.png"); plt.close()\nplt.hist([1, 2, 2]);',
    shows: [plot({ type: 'bar' })],
  },
  {
    needs: 'matplotlib',
    code: '%config InlineBackend.figure_formats = ["svg"]\nplt.plot([1]);',
    shows: [
      { svg: expect.stringContaining('<svg'), chart: expect.objectContaining({ type: 'line' }) },
    ],
  },
  {
    needs: 'pandas',
    code: 'pd.merge(df, pd.DataFrame({"city": ["Bonn"], "land": ["NRW"]}), on="city").pivot_table(index="land", values="n", aggfunc="sum")',
    shows: [
      {
        data: expect.objectContaining({
          columns: [expect.objectContaining({ name: 'n', values: [4] })],
          index: [expect.objectContaining({ name: 'land', values: ['NRW'] })],
        }),
      },
    ],
  },
  {
    needs: 'pandas',
    code: 'pd.Series([1, 2, 3, 4], pd.date_range("2026-01-31", periods=4)).resample("M").sum()',
    shows: [{ text: expect.stringMatching(/2026-01-31 +1\n2026-02-28 +9\n/) }],
  },
  {
    needs: 'pandas',
    code: '%config InlineBackend.figure_formats = ["png"]\n_ = df.plot.bar(x="city", y="n", title="Cities")',
    shows: [
      plot({
        type: 'bar',
        title: 'Cities',
        elements: [
          { label: 'Bonn', group: 'n', value: 1 },
          { label: 'Ulm', group: 'n', value: 2 },
          { label: 'Bonn', group: 'n', value: 3 },
        ],
      }),
    ],
  },
  {
    needs: 'seaborn',
    code: 'import seaborn as sns\nax = sns.scatterplot(data=df, x="n", y="n", hue="city")',
    shows: [plot({ type: 'scatter', x_label: 'n', y_label: 'n' })],
  },
  {
    needs: 'seaborn',
    code: 'ax = sns.heatmap([[1, 2], [3, 4]], annot=True).set(title="Heat")',
    shows: [plot({ type: 'unknown', title: 'Heat' })],
  },
  {
    needs: 'plotly',
    code: 'import plotly.express as px\npx.line(df, x="city", y="n", title="Lines")',
    shows: [
      {
        html: expect.stringContaining('<script'),
        extra: {
          'application/vnd.plotly.v1+json': expect.objectContaining({
            data: [expect.objectContaining({ type: 'scatter', y: [1, 2, 3] })],
          }),
        },
      },
    ],
  },
  {
    needs: 'plotly',
    code: 'fig = px.pie(df, names="city", values="n")\nfig.show()',
    shows: [{ html: expect.stringContaining('<script') }],
  },
  {
    needs: 'altair',
    code: 'import altair as alt\nalt.Chart(df).mark_point().encode(x="n", y="city")',
    shows: [
      {
        html: expect.stringContaining('<script'),
        extra: {
          'application/vnd.vegalite.v4+json': expect.objectContaining({
            encoding: {
              x: expect.objectContaining({ field: 'n', type: 'quantitative' }),
              y: expect.objectContaining({ field: 'city', type: 'nominal' }),
            },
          }),
        },
      },
    ],
  },
  {
    needs: 'sympy',
    code: 'import sympy\nt = sympy.Symbol("t")\nsympy.diff(sympy.sin(t))',
    shows: [{ text: 'cos(t)', latex: expect.stringContaining('cos') }],
  },
  { needs: 'sympy', code: 'sympy.solve(t**2 - 2)', shows: [{ text: '[-sqrt(2), sqrt(2)]' }] },
  {
    needs: 'sympy',
    code: 'sympy.integrate(sympy.exp(-t**2), (t, -sympy.oo, sympy.oo))',
    shows: [{ text: 'sqrt(pi)', latex: expect.stringContaining('\\sqrt{\\pi}') }],
  },
  {
    needs: 'PIL',
    code: 'from PIL import Image\nImage.new("RGB", (2, 2), "red")',
    shows: [{ png: expect.stringMatching(/^iVBOR/) }],
  },
  {
    needs: 'PIL',
    code: 'Image.new("L", (64, 32)).save("grey.jpg")\nwith Image.open("grey.jpg") as im: print(im.format, im.resize((8, 4)).size)',
    stdout: 'JPEG (8, 4)\n',
  },
  {
    needs: 'openpyxl',
    code: 'df.to_excel("t.xlsx", index=False)\npd.read_excel("t.xlsx").n.tolist()',
    shows: [{ json: [1, 2, 3] }],
  },
  {
    needs: 'scipy',
    code: 'from scipy import optimize\nround(optimize.brentq(lambda v: v * v - 2, 0, 2), 6)',
    shows: [{ text: '1.414214' }],
  },
  {
    needs: 'numpy',
    code: 'np.zeros((2, 3)) + np.zeros(2)',
    error: 'ValueError',
  },
];

const missing = new Set(
  [...new Set(CELLS.flatMap(({ needs = [] }) => needs))].filter((name) => !hasModules(name)),
);

describe.skipIf(!hasModules('IPython'))('a cell', () => {
  let agent: TestAgent;
  beforeAll(async () => {
    agent = await startAgent({ driver: 'ipython' });
  });
  afterAll(() => agent[Symbol.asyncDispose]());

  for (const { code, error, needs, shows = [], stdout } of CELLS)
    it.skipIf(needs !== undefined && missing.has(needs))(
      `shows what it should: ${needs ?? 'python'}: ${code}`,
      async () => {
        const ran = await agent.run(code, { timeoutMs: 60_000 });
        expect([ran.error?.name, ran.stderr]).toEqual([error, '']);
        expect(ran.stdout).toBe(stdout ?? '');
        const forms = ran.results.map(({ data = {} }) => formsOf(data));
        expect(forms).toHaveLength(shows.length);
        for (const [index, form] of forms.entries()) expect(form).toMatchObject(shows[index] ?? {});
      },
      60_000,
    );

  it('counts in each context for itself', async () => {
    const countOf = async (code: string): Promise<number | undefined> => {
      const [first] = (await agent.run(code)).events;
      return first?.type === 'started' ? first.executionCount : undefined;
    };
    const before = await countOf('1');
    expect(await countOf('!true')).toBe((before ?? 0) + 1);
  });
});

/** What no program should be given, and is. */
describe('code at its worst', () => {
  let agent: TestAgent;
  beforeAll(async () => {
    agent = await startAgent();
  });
  afterAll(() => agent[Symbol.asyncDispose]());

  it.each(['python', 'javascript', 'typescript', 'bash'])(
    'may be 0 bytes of %s',
    async (language) => {
      const { finished, stdout, results } = await agent.run('', { language });
      expect([finished.outcome, finished.exitCode, stdout, results]).toEqual(['ok', 0, '', []]);
    },
  );

  it.each([
    ['python', `x = "${'a'.repeat(1_000_000)}"\nprint(len(x))`],
    ['javascript', `const x = "${'a'.repeat(1_000_000)}"; console.log(x.length)`],
    ['bash', `x=${'a'.repeat(1_000_000)}; echo \${#x}`],
  ])('may be a line of 1 MB of %s', async (language, code) => {
    expect((await agent.run(code, { language })).stdout).toBe('1000000\n');
  });

  it.each([
    ['python', 'def f(): f()\nf()', 'RecursionError'],
    ['javascript', 'function f() { f() }\nf()', 'RangeError'],
  ])('may call itself without end in %s, and is told so', async (language, code, name) => {
    const { error, finished } = await agent.run(code, { language });
    expect([error?.name, finished.outcome]).toEqual([name, 'error']);
    expect((await agent.run('', { language })).finished.outcome).toBe('ok');
  });

  it('may wait for stdin that never comes, until its time is over, with its state kept', async () => {
    await agent.run('kept = 1');
    const { finished } = await agent.run('input()', { keepStdinOpen: true, timeoutMs: 300 });
    expect(finished.outcome).toBe('timeout');
    expect((await agent.run('print(kept)')).stdout).toBe('1\n');
  });

  it('may leave a daemon behind that holds its outputs', async () => {
    const { finished, stdout } = await agent.run(
      'import subprocess\nd = subprocess.Popen(["sleep", "30"], start_new_session=True)\nprint("done")',
    );
    expect([finished.outcome, stdout]).toEqual(['ok', 'done\n']);
    await agent.run('d.kill(); _ = d.wait()');
  });
});
