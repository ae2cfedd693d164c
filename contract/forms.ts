/**
 * The forms of a result by plain names, for clients. The schemas of charts come with it, which the readers of
 * events beside it, in every function, do not need.
 */
import type * as z from 'zod/mini';
import { Chart, TableData } from './charts.ts';
import type { MimeBundle } from './events.ts';

const TEXT_FORMS = {
  text: 'text/plain',
  html: 'text/html',
  markdown: 'text/markdown',
  svg: 'image/svg+xml',
  latex: 'text/latex',
  javascript: 'application/javascript',
  /** In base64, as the two below. */
  png: 'image/png',
  jpeg: 'image/jpeg',
  pdf: 'application/pdf',
} as const;
const JSON_MIME = 'application/json';
const DATA_MIME = 'application/vnd.code-interpreter.data+json';
const CHART_MIME = 'application/vnd.code-interpreter.chart+json';

/** The forms of a result by plain names; those that have none are in `extra` by MIME type. */
export type Forms = { readonly [K in keyof typeof TEXT_FORMS]?: string } & {
  readonly json?: MimeBundle[string];
  readonly data?: TableData;
  readonly chart?: Chart;
  readonly extra: MimeBundle;
};

/** Code says what its results are: what is not of its type's form is left in `extra`. */
export function formsOf(bundle: MimeBundle): Forms {
  const extra = { ...bundle };
  const take = (mime: string): MimeBundle[string] | undefined => {
    const value = extra[mime];
    delete extra[mime];
    return value;
  };
  const texts: Record<string, string> = {};
  for (const [name, mime] of Object.entries(TEXT_FORMS)) {
    const value = bundle[mime];
    if (typeof value !== 'string') continue;
    texts[name] = value;
    take(mime);
  }
  const parsed = <T>(schema: z.ZodMiniType<T>, mime: string): T | undefined => {
    const { data } = schema.safeParse(bundle[mime]);
    if (data !== undefined) take(mime);
    return data;
  };
  const data = parsed(TableData, DATA_MIME);
  const chart = parsed(Chart, CHART_MIME);
  const json = take(JSON_MIME);
  return {
    ...texts,
    ...(json === undefined ? {} : { json }),
    ...(data === undefined ? {} : { data }),
    ...(chart === undefined ? {} : { chart }),
    extra,
  };
}
