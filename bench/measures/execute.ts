/** `1+1` in a warm context: one JSON answer, and the SDK's stream to its result. */

import { Execution } from '../../contract/rest/executions.ts';
import { readAnswer } from '../../sdk/typescript/src/transport/http.ts';
import { type Bench, type Measure, warmSandbox } from '../measure.ts';
import { sample } from '../stats.ts';
import { BenchError } from '../target.ts';

export const execute: Measure = {
  name: 'execute',
  summary: '`1+1` in a warm context, as one JSON answer and over the stream',
  runs: 100,
  run: async (bench) => {
    await using sandbox = await warmSandbox(bench);
    const timed = async (once: () => Promise<{ outcome?: string | undefined }>) => {
      const from = performance.now();
      const { outcome } = await once();
      if (outcome !== 'ok') throw new BenchError(`1+1 came to ${outcome}`);
      return performance.now() - from;
    };
    const half = { runs: bench.runs, budgetMs: bench.budgetMs / 2 };
    const json = await sample(half, () => timed(() => executeAsJson(bench, sandbox.id)));
    const sse = await sample(half, () =>
      timed(() => sandbox.execute('1+1', { signal: bench.signal })),
    );
    return [
      { name: 'execute json', unit: 'ms', samples: json },
      { name: 'execute sse', unit: 'ms', samples: sse },
    ];
  },
};

async function executeAsJson({ target: { baseUrl, apiKey }, signal }: Bench, sandboxId: string) {
  const response = await fetch(`${baseUrl}/sandboxes/${sandboxId}/execute`, {
    method: 'POST',
    headers: { 'X-API-Key': apiKey, 'Content-Type': 'application/json' },
    body: JSON.stringify({ code: '1+1' }),
    signal,
  });
  return readAnswer('executeCode', response, Execution);
}
