/**
 * Every limit that a caller can meet, once. Units are in the names; the source of each default is
 * the architecture's table of limits. A limit that a deployment may change is a default here.
 */
const KIB = 1024;
const MIB = 1024 * KIB;

export const LIMITS = {
  codeBytes: MIB,
  timeoutMs: { min: 100, default: 30_000, max: 30 * 60_000 },
  /** What an execution may ask to be held to. */
  execution: {
    cpuMs: { min: 10, max: 16 * 30 * 60_000 },
    memoryMb: { min: 16, max: 32_768 },
    outputBytes: { min: 1, max: 64 * MIB },
    processes: { min: 0, max: 10_000 },
    fileBytes: { min: 1, max: 1024 * 1024 * MIB },
  },
  lifetimeMs: { min: 10_000, default: 5 * 60_000, max: 24 * 3_600_000 },
  cpu: { default: 1, max: 16 },
  memoryMb: { default: 2048, max: 32_768 },
  diskGb: { default: 20, min: 21, max: 200 },
  runningExecutionsPerSandbox: 8,
  /** Those that run and those that wait for their context. */
  liveExecutionsPerSandbox: 24,
  contextsPerSandbox: 16,
  /** Commands that callers have started and that run. */
  processesPerSandbox: 32,
  /** Processes and watches that nobody has read to their end. */
  unreadPerSandbox: 256,
  processArgs: 1_024,
  /** Of all its arguments together. */
  processArgsBytes: 128 * KIB,
  /** Of a process: its line or program, and each argument. The system takes no longer one. */
  commandChars: 128 * KIB - 1,
  queuedPerContext: 16,
  /** Kept output of one execution; beyond it the agent reads on and discards. */
  outputBytes: 64 * MIB,
  /** Results and errors that still pass once the output cap is hit. */
  outputGraceBytes: MIB,
  /** stdout and stderr in an Execution, each; the rest is in the events. */
  summaryBytes: MIB,
  /** Results in an Execution, together, as JSON; the rest is in the events. */
  summaryResultsBytes: 4 * MIB,
  /** `text` of one stdout or stderr event. */
  eventTextBytes: 16 * KIB,
  /** One result's data inside an event; larger ones travel by reference. */
  resultInlineBytes: 256 * KIB,
  /** A larger result is reduced to its text form by the agent. */
  resultBytes: 16 * MIB,
  /** `value` and `traceback` of an error event, each. */
  errorTextBytes: 16 * KIB,
  /** Sandboxes of a tenant at a time, and requests of a key a second, over all operations. */
  liveSandboxesPerTenant: { default: 10, max: 10_000 },
  requestsPerSecondPerKey: { default: 20, max: 10_000 },
  envNames: 64,
  envBytes: 32 * KIB,
  metadataEntries: 16,
  metadataValueChars: 256,
  nameChars: 128,
  pathBytes: 4096,
  fileNameBytes: 255,
  /** A file's bytes in one request; larger ones go by upload and download. */
  fileRequestBytes: 4 * MIB,
  /** Of one `runOnce`: files in, files out, and the bytes of those out in its answer. */
  runFiles: 32,
  runFilesBytes: 4 * MIB,
  fileBytes: 5 * 1024 * MIB,
  listDepth: 16,
  /** What one completion answers, and the length of each. */
  completions: 200,
  completionChars: 256,
  stdinBytes: MIB,
  /** Of an execution: what its code has not read yet, and how far parts may come before their turn. */
  stdinWaitingBytes: 4 * MIB,
  stdinPartsAhead: 64,
  pageSize: { default: 50, max: 100 },
  longPollMs: 20_000,
  /** The log outlives the end of its execution by this long. */
  logRetentionMs: 24 * 3_600_000,
  recordRetentionMs: 7 * 24 * 3_600_000,
  /** Days of one answer on usage, and how long usage is kept. */
  usageDays: 92,
  usageKeptDays: 400,
  /** A ticket is good for one connection within this long. */
  ticketMs: 60_000,
  /** How long the old secret of a rotated key may go on working. */
  rotationGraceMs: 24 * 3_600_000,
  /** A repeat under the same `Idempotency-Key` finds what the first request made for this long. */
  idempotencyMs: 24 * 3_600_000,
  /** A REST body; API Gateway's own limit is 10 MB, a Lambda event's 6 MB. */
  requestBytes: 4 * MIB,
} as const;

/** Finished spools and running ones together, per sandbox; the oldest finished go first. */
export const SPOOL_BYTES = 256 * MIB;
/** A keepalive frame passes every hop this often and is never logged. */
export const KEEPALIVE_MS = 10_000;
/** The agent's own deadline is the sandbox's expiry and this. */
export const AGENT_DEADLINE_GRACE_MS = 60_000;
