/** The figures with where and under which profile they were taken: as a table, or as JSON. */
import { arch, cpus, hostname, release, totalmem, type } from 'node:os';
import type { Row } from './measure.ts';
import { summarize } from './stats.ts';
import type { Target } from './target.ts';

export interface Failure {
  readonly name: string;
  readonly message: string;
}

export function report(target: Target, rows: readonly Row[], failures: readonly Failure[]) {
  return {
    target: { baseUrl: target.baseUrl, profile: target.profile },
    client: {
      host: hostname(),
      cpu: `${cpus()[0]?.model.trim() ?? arch()} × ${cpus().length}`,
      memoryGib: Math.round(totalmem() / 2 ** 30),
      system: `${type()} ${release()}`,
      node: process.version,
    },
    at: new Date().toISOString(),
    measures: rows.map(({ samples, ...row }) => ({ ...row, ...summarize(samples) })),
    failures,
  };
}

export function table({ target, client, measures, failures }: ReturnType<typeof report>): string {
  const cells = measures.map(({ name, unit, n, median, p90, p99, note }) => [
    name,
    ...[median, p90, p99].map(figure),
    unit,
    String(n),
    note ?? '',
  ]);
  const lines = [['measure', 'median', 'p90', 'p99', 'unit', 'n', ''], ...cells];
  const widths = lines[0]?.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)));
  const isNumber = (column: number) => column >= 1 && column <= 3;
  const body = lines.map((line) =>
    line
      .map((cell, i) =>
        isNumber(i) ? cell.padStart(widths?.[i] ?? 0) : cell.padEnd(widths?.[i] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
  return [
    `${target.baseUrl} · profile ${target.profile}`,
    `from ${client.host}: ${client.cpu}, ${client.memoryGib} GiB, ${client.system}, node ${client.node}`,
    '',
    ...body,
    ...failures.map(({ name, message }) => `${name}: FAILED: ${message}`),
  ].join('\n');
}

const figure = (value: number) => (Number.isNaN(value) ? '-' : value.toFixed(value < 10 ? 2 : 1));
