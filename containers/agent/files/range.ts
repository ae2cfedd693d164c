/** The Range header: which part of a file is asked for. One part only; what is no range is ignored, as HTTP says. */
import { AppError } from '../../../contract/errors.ts';

export interface Part {
  readonly from: number;
  readonly length: number;
}

/** Undefined asks for the whole file. */
export function partOf(range: string | undefined, sizeBytes: number): Part | undefined {
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(range ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  const from = first === '' ? Math.max(0, sizeBytes - Number(last)) : Number(first);
  const to = first === '' || last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  if (first !== '' && last !== '' && Number(last) < from) return undefined;
  if (from <= to) return { from, length: to - from + 1 };
  throw new AppError(
    'RANGE_NOT_SATISFIABLE',
    `range: the file has ${sizeBytes} bytes, got ${JSON.stringify(range)}`,
    { details: { field: 'range', sizeBytes } },
  );
}
