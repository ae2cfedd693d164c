/**
 * What a plot shows, as data: a form of a result beside its picture. Names are those of the chart
 * model that code-interpreter clients already read, hence the underscores.
 */
import * as z from 'zod/mini';

/** Dates are ISO 8601; what has no value is null. */
const Coordinate = z.nullable(z.union([z.number(), z.string(), z.boolean()]));
const text = z.nullable(z.string());

const head = { title: text };
const labels = { x_label: text, y_label: text, x_unit: text, y_unit: text };
const ticks = {
  x_ticks: z.array(Coordinate),
  x_tick_labels: z.array(z.string()),
  /** `linear`, `log`, `datetime`, `categorical` and so on. */
  x_scale: z.string(),
  y_ticks: z.array(Coordinate),
  y_tick_labels: z.array(z.string()),
  y_scale: z.string(),
};

const Series = z.object({
  label: text,
  points: z.array(z.tuple([Coordinate, Coordinate])),
  /** How many there are, where `points` are evenly taken from them. */
  total_points: z.optional(z.int()),
});

const Bar = z.object({ label: text, group: text, value: Coordinate });
const Slice = z.object({ label: text, angle: z.number(), radius: z.number() });
const Box = z.object({
  label: text,
  min: z.number(),
  first_quartile: z.number(),
  median: z.number(),
  third_quartile: z.number(),
  max: z.number(),
  outliers: z.array(z.number()),
});

const plotted = { ...head, ...labels, ...ticks, elements: z.array(Series) };
const ONE_CHART = [
  z.object({ type: z.literal('line'), ...plotted }),
  z.object({ type: z.literal('scatter'), ...plotted }),
  z.object({ type: z.literal('bar'), ...head, ...labels, elements: z.array(Bar) }),
  z.object({ type: z.literal('pie'), ...head, elements: z.array(Slice) }),
  z.object({ type: z.literal('box_and_whisker'), ...head, ...labels, elements: z.array(Box) }),
  z.object({ type: z.literal('unknown'), ...head, elements: z.array(z.never()) }),
] as const;

/** A figure of matplotlib; one with several axes is a `superchart` of theirs. */
export const Chart = z.discriminatedUnion('type', [
  ...ONE_CHART,
  z.object({
    type: z.literal('superchart'),
    ...head,
    elements: z.array(z.discriminatedUnion('type', ONE_CHART)),
  }),
]);
export type Chart = z.infer<typeof Chart>;

const Column = z.object({
  name: z.string(),
  /** As its library calls it, such as `int64`. */
  type: z.string(),
  values: z.array(Coordinate),
});

/** A table's first rows by column. */
export const TableData = z.object({
  columns: z.array(Column),
  /** What names the rows; empty where they are only numbered. */
  index: z.array(Column),
  /** Of the whole table: there may be fewer `values`. */
  rowCount: z.int(),
});
export type TableData = z.infer<typeof TableData>;
