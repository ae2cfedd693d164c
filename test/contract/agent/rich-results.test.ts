/** Forms of values: those of tables and plain data, and what a form that fails leaves behind. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Forms, formsOf } from '../../../contract/forms.ts';
import { LIMITS } from '../../../contract/limits.ts';
import { startAgent, type TestAgent } from '../../helpers/agent.ts';
import { hasModules } from '../../helpers/python-modules.ts';

describe.skipIf(!hasModules('IPython'))('a value shown by IPython', () => {
  let agent: TestAgent;
  beforeAll(async () => {
    agent = await startAgent({ driver: 'ipython' });
  });
  afterAll(() => agent[Symbol.asyncDispose]());

  const show = async (code: string): Promise<Forms & { stderr: string }> => {
    const { finished, results, stderr, error } = await agent.run(code);
    expect([finished.outcome, error]).toEqual(['ok', undefined]);
    expect(results).toHaveLength(1);
    return { ...formsOf(results[0]?.data ?? {}), stderr };
  };

  it('costs no library that the code did not import', async () => {
    const { text } = await show(
      'import sys\n[n for n in ("numpy", "pandas", "matplotlib", "plotly", "altair") if n in sys.modules]',
    );
    expect(text).toBe('[]');
  });

  it('has a JSON form where it is plain and small', async () => {
    expect((await show('{"a": [1, 2.5, None, {"b": True}]}')).json).toEqual({
      a: [1, 2.5, null, { b: true }],
    });
    for (const code of [
      '{1: 2}',
      '[float("nan")]',
      '[2**60]',
      '[object]',
      '[0] * 20_000',
      'a = []; a.append(a); a',
    ])
      expect([code, (await show(code)).json]).toEqual([code, undefined]);
  });

  it.each([
    ['raises', 'raise ValueError("no")', 'ValueError: no'],
    ['asks to exit', 'raise SystemExit', ''],
  ])('keeps its other forms when one %s', async (_, body, said) => {
    const code = `class Bad:\n  def __repr__(self): return "fine"\n  def _repr_html_(self): ${body}\nBad()`;
    const { results, stderr, finished } = await agent.run(code);
    expect(stderr).toContain(said);
    if (said === '') return;
    expect(finished.outcome).toBe('ok');
    expect(results).toMatchObject([{ main: true, data: { 'text/plain': 'fine' } }]);
  });

  it('keeps its other forms when one never returns', async () => {
    const { html, markdown, text, stderr } = await show(
      'class Endless:\n  def __repr__(self): return "fine"\n  def _repr_markdown_(self): return "*fine*"\n  def _repr_html_(self):\n    while True:\n      try: time.sleep(600)\n      except Exception: pass\nimport time\nEndless()',
    );
    expect([text, markdown, html]).toEqual(['fine', '*fine*', undefined]);
    expect(stderr).toContain('text/html is left out: it took longer');
  }, 30_000);

  it('is told by its type where it has no text', async () => {
    const { text, stderr } = await show(
      'class Mute:\n  def __repr__(self): raise KeyError\nMute()',
    );
    expect(text).toBe('<__main__.Mute object>');
    expect(stderr).toContain('KeyError');
  });

  it('may be interrupted while it is shown', async () => {
    const code = 'class Slow:\n  def __repr__(self): print("now"); time.sleep(600)\nSlow()';
    const id = await agent.start(`import time\n${code}`);
    for await (const event of agent.events(id)) {
      if (event.type === 'stdout') await agent.call('POST', `/executions/${id}/interrupt`);
      if (event.type === 'error') expect(event.name).toBe('KeyboardInterrupt');
      if (event.type === 'finished') expect(event.outcome).toBe('interrupted');
    }
    expect((await agent.run('Slow.__name__')).finished.outcome).toBe('ok');
  });

  it('leaves alone the alarm that the code has set', async () => {
    const { stdout } = await agent.run(
      'import signal, time\ndef ring(*_): raise TimeoutError\nsignal.signal(signal.SIGALRM, ring)\nsignal.setitimer(signal.ITIMER_REAL, 0.4)\ndisplay(1)\ntry: time.sleep(20)\nexcept TimeoutError: print("rang")',
    );
    expect(stdout).toBe('rang\n');
  });

  it('is the value of the code also where it shows itself', async () => {
    const { results } = await agent.run(
      'from IPython.display import display, HTML\nclass Own:\n  def _ipython_display_(self): display(HTML("<b>")); display(2)\nOwn()',
    );
    expect(results.map(({ main }) => main)).toEqual([true, false]);
  });

  it('loses the form that is too large, and no other', async () => {
    const large = await show(
      'class Large:\n  def __repr__(self): return "text"\n  def _repr_html_(self): return "h" * 20_000_000\n  def _repr_png_(self): return b"png"\nLarge()',
    );
    expect(large.html).toBeUndefined();
    expect(large.png).toBe(Buffer.from('png').toString('base64'));
    expect(large.text).toMatch(/^text\n\[text\/html left out: .* 16777216 are allowed\]$/);
    const many = await show('from IPython.display import JSON\nJSON([[0]] * 60_000)');
    expect(many.json).toBeUndefined();
    expect(many.text).toContain('application/json left out');
  });

  it('keeps its characters, whatever they are', async () => {
    const { text } = await show('"я" * 4_000_000');
    expect(text).toHaveLength(4_000_002);
    expect((await show('"\\x1b\\x00\\ud800"')).text).toBe("'\\x1b\\x00\\ud800'");
  });

  it.skipIf(!hasModules('pandas'))(
    'has the data of a table, by column and with what names its rows',
    async () => {
      const { data, html } = await show(
        'import pandas as pd\npd.DataFrame({"n": [1, 2], "s": ["x", None], "t": pd.to_datetime(["2026-01-01", None]), "f": [0.5, float("inf")]})',
      );
      expect(html).toContain('<table');
      expect(data).toEqual({
        columns: [
          { name: 'n', type: 'int64', values: [1, 2] },
          { name: 's', type: 'object', values: ['x', null] },
          { name: 't', type: 'datetime64[ns]', values: ['2026-01-01T00:00:00', null] },
          { name: 'f', type: 'float64', values: [0.5, null] },
        ],
        index: [],
        rowCount: 2,
      });
      const grouped = await show('pd.DataFrame({"g": ["a", "a"], "v": [1, 2]}).groupby("g").sum()');
      expect(grouped.data).toMatchObject({
        columns: [{ name: 'v', values: [3] }],
        index: [{ name: 'g', values: ['a'] }],
      });
    },
  );

  it.skipIf(!hasModules('pandas'))(
    'is bounded where the table is large',
    async () => {
      const { results } = await agent.run(
        'import numpy as np, pandas as pd\npd.DataFrame(np.zeros((1_000_000, 62)))',
        { timeoutMs: 60_000 },
      );
      const bundle = results[0]?.data ?? {};
      expect(JSON.stringify(bundle).length).toBeLessThan(LIMITS.resultInlineBytes);
      const { data } = formsOf(bundle);
      expect(data?.rowCount).toBe(1_000_000);
      expect(data?.columns[0]?.values.length).toBeGreaterThan(100);
      const wide = await show('pd.DataFrame({"s": ["x" * 100_000] * 1_000})');
      expect(JSON.stringify(wide.data).length).toBeLessThan(2 ** 20);
    },
    60_000,
  );

  it.skipIf(!hasModules('plotly'))(
    'of plotly has its JSON and a page that draws it',
    async () => {
      const code = 'import plotly.graph_objects as go\ngo.Figure(data=[go.Bar(x=["a"], y=[4])])';
      const { extra, html } = await show(code);
      expect(extra['application/vnd.plotly.v1+json']).toMatchObject({
        data: [{ type: 'bar', x: ['a'], y: [4] }],
      });
      expect(html).toContain('<script');
      expect(html?.length).toBeLessThan(100_000);
      const quick =
        'import pandas as pd, plotly.express as px\npx.bar(pd.DataFrame({"g": ["a", "b"], "n": [1, 2]}), x="g", y="n", title="T")';
      expect((await show(quick)).extra['application/vnd.plotly.v1+json']).toMatchObject({
        data: [{ type: 'bar', x: ['a', 'b'], y: [1, 2] }],
        layout: { title: { text: 'T' }, xaxis: { title: { text: 'g' } } },
      });
    },
    30_000,
  );

  it.skipIf(!hasModules('altair'))(
    'of altair has its JSON and a page that draws it',
    async () => {
      const { extra, html } = await show(
        'import altair as alt, pandas as pd\nalt.Chart(pd.DataFrame({"a": [1]})).mark_bar().encode(x="a")',
      );
      const [mime = '', spec] = Object.entries(extra)[0] ?? [];
      expect(mime).toMatch(/^application\/vnd\.vegalite\.v\d\+json$/);
      expect(spec).toMatchObject({ mark: expect.anything() });
      const sets = (spec as { datasets: Record<string, unknown> }).datasets;
      expect(Object.values(sets)).toEqual([[{ a: 1 }]]);
      expect(html).toContain('<script');
    },
    30_000,
  );
});
