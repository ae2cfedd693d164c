/** A new context of each language to its first result, and `1+1` in it once it is warm. */
import type { Sandbox } from '../../sdk/typescript/src/index.ts';
import { type Bench, type Measure, type Row, warmSandbox } from '../measure.ts';
import { sample } from '../stats.ts';
import { BenchError } from '../target.ts';

const CODE = {
  python: '1+1',
  javascript: '1+1',
  typescript: '1+1',
  bash: 'echo $((1+1))',
} as const;
type Language = keyof typeof CODE;

/** The first result costs a new interpreter: fewer of them than of warm runs. */
const FIRST_SHARE = 0.2;

export const contexts: Measure = {
  name: 'contexts',
  summary: 'createContext called → its first result, and `1+1` in it warm, per language',
  runs: 50,
  run: async (bench) => {
    await using sandbox = await warmSandbox(bench);
    const rows: Row[] = [];
    for (const language of Object.keys(CODE) as Language[]) {
      rows.push(...(await measure(bench, sandbox, language)));
    }
    return rows;
  },
};

async function measure(bench: Bench, sandbox: Sandbox, language: Language): Promise<Row[]> {
  const share = bench.budgetMs / Object.keys(CODE).length / 2;
  const timed = async (work: () => Promise<{ outcome?: string | undefined }>) => {
    const from = performance.now();
    const { outcome } = await work();
    if (outcome !== 'ok')
      throw new BenchError(`${CODE[language]} in ${language} came to ${outcome}`);
    return performance.now() - from;
  };
  const runIn = (contextId: string) =>
    sandbox.execute(CODE[language], { contextId, signal: bench.signal });
  const firsts = { runs: Math.max(1, Math.round(bench.runs * FIRST_SHARE)), budgetMs: share };
  const first = await sample(firsts, async () => {
    let made = '';
    const took = await timed(async () => {
      made = (await sandbox.contexts.create({ language })).id;
      return runIn(made);
    });
    await sandbox.contexts.delete(made);
    return took;
  });
  const { id } = await sandbox.contexts.create({ language });
  await runIn(id);
  const warm = await sample({ runs: bench.runs, budgetMs: share }, () => timed(() => runIn(id)));
  await sandbox.contexts.delete(id);
  return [
    { name: `${language} first`, unit: 'ms', samples: first },
    { name: `${language} warm`, unit: 'ms', samples: warm },
  ];
}
