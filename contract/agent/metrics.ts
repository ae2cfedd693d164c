/**
 * What a sandbox uses, as its agent measures it each 5 s: `GET /metrics?fromMs=&toMs=` of the agent, the REST
 * operation of the same name, and lines of an event stream that asked for them.
 */
import * as z from 'zod/mini';

export const METRIC_INTERVAL_MS = 5_000;
/** Samples that are kept: an hour of them. */
export const METRIC_SAMPLES = 720;

/** What was not to be measured is absent. Counts of bytes are since the start, all others of the instant. */
export const ResourceSample = z.object({
  at: z.iso.datetime(),
  /** Of all processors of the sandbox together, since the sample before. */
  cpuPercent: z.optional(z.number()),
  cpuCount: z.optional(z.number()),
  memoryUsedBytes: z.optional(z.number()),
  memoryLimitBytes: z.optional(z.number()),
  diskUsedBytes: z.optional(z.number()),
  diskLimitBytes: z.optional(z.number()),
  networkReceivedBytes: z.optional(z.number()),
  networkSentBytes: z.optional(z.number()),
});
export type ResourceSample = z.infer<typeof ResourceSample>;

const RESOURCES = ['cpu', 'memory', 'disk'] as const;

export const Shortage = z.object({
  resource: z.enum(RESOURCES),
  /** Bytes, or per cent of the processors. */
  used: z.number(),
  limit: z.number(),
});

/** Told once when it comes to that, and again only after it has gone back. */
export const ResourceAlert = z.object({
  /** `warning` from 80 % on, `limit` when all is used. */
  level: z.enum(['warning', 'limit']),
  ...Shortage.shape,
});
export type ResourceAlert = z.infer<typeof ResourceAlert>;

export const SamplesQuery = z.object({ fromMs: z.int(), toMs: z.int() });
export const SampleList = z.object({ items: z.array(ResourceSample) });

/** One line of an event stream that was asked for with `metrics=1`. It has no seq, and is not logged. */
export const MetricsLine = z.object({
  measured: z.object({
    sample: ResourceSample,
    alerts: z.array(ResourceAlert).check(z.maxLength(RESOURCES.length)),
  }),
});
export type Measured = z.infer<typeof MetricsLine>['measured'];
