/** What a request and its answer look like, by operation: for the OpenAPI document. */
import type { OperationId } from './operations.ts';

interface Example {
  readonly body?: unknown;
  /** `data` of the first answer. */
  readonly answer?: unknown;
}

const at = '2026-01-05T09:00:00.000Z';
const id = (prefix: string, tail: string) => prefix + tail.padEnd(20, '0');
const sandboxId = id('sb', 'example');
const tenantId = id('tn', 'example');
const keyId = id('ky', 'example');

const sandbox = {
  id: sandboxId,
  status: 'running',
  runtime: 'python',
  resources: { cpu: 1, memoryMb: 2048, diskGb: 20 },
  network: { access: 'none' },
  metadata: { project: 'reports' },
  createdAt: at,
  startedAt: '2026-01-05T09:00:00.120Z',
  expiresAt: '2026-01-05T09:05:00.000Z',
  runningExecutions: 0,
};

const runs = {
  id: id('ex', 'example'),
  sandboxId,
  language: 'python',
  createdAt: at,
  truncated: false,
  lastSeq: 3,
};

const summary = {
  ...runs,
  status: 'finished',
  outcome: 'ok',
  finishedAt: '2026-01-05T09:00:00.040Z',
  exitCode: 0,
  metrics: { wallMs: 12 },
};

const execution = {
  ...summary,
  stdout: '42\n',
  stderr: '',
  stdoutTruncated: false,
  stderrTruncated: false,
  results: [],
  resultsTruncated: false,
};

const key = { id: keyId, tenantId, name: 'ci', role: 'developer', createdAt: at };
const withSecret = { ...key, apiKey: `ci_${'0'.repeat(40)}` };
const tenant = { id: tenantId, name: 'acme', createdAt: at, limits: { liveSandboxes: 50 } };
const page = (...items: unknown[]) => ({ items, nextCursor: null });

export const EXAMPLES: Readonly<Partial<Record<OperationId, Example>>> = {
  createSandbox: {
    body: { runtime: 'python', lifetimeMs: 300_000, metadata: { project: 'reports' } },
    answer: sandbox,
  },
  getSandbox: { answer: sandbox },
  updateSandbox: {
    body: { lifetimeMs: 600_000 },
    answer: { ...sandbox, expiresAt: '2026-01-05T09:12:00.000Z' },
  },
  terminateSandbox: { answer: { ...sandbox, status: 'stopping', endReason: 'terminated' } },
  listSandboxes: { answer: page(sandbox) },
  executeCode: { body: { code: 'print(6 * 7)' }, answer: execution },
  runOnce: {
    body: {
      language: 'python',
      code: 'open("out.txt", "w").write(open("in.txt").read().upper())',
      files: [{ path: 'in.txt', text: 'hello' }],
      outputFiles: ['out.txt'],
    },
    answer: {
      ...execution,
      stdout: '',
      files: [{ path: 'out.txt', state: 'read', text: 'HELLO' }],
    },
  },
  getExecution: { answer: execution },
  listExecutions: { answer: page(summary) },
  interrupt: {
    answer: { ...runs, status: 'running' },
  },
  runtimes: {
    answer: {
      items: [
        {
          name: 'python',
          versions: ['3.11'],
          languages: ['python', 'bash'],
          defaultLanguage: 'python',
        },
      ],
    },
  },
  readEvents: {
    answer: {
      items: [{ seq: 2, at, type: 'stdout', text: '42\n' }],
      nextCursor: 2,
      finished: false,
    },
  },
  readResult: { answer: { main: true, data: { 'text/plain': "'…'" } } },
  createKey: { body: { name: 'ci', role: 'developer' }, answer: withSecret },
  listKeys: { answer: page(key) },
  rotateKey: { body: { graceMs: 3_600_000 }, answer: { ...withSecret, rotatedAt: at } },
  getUsage: {
    answer: {
      from: '2026-01-01',
      to: '2026-01-31',
      ...page({
        keyId,
        keyName: 'ci',
        days: [{ day: '2026-01-05', executions: 120, executionMs: 48_000 }],
      }),
    },
  },
  createTicket: {
    answer: {
      ticket: `ct_${'0'.repeat(40)}`,
      expiresAt: '2026-01-05T09:01:00.000Z',
      url: 'wss://abcde12345.execute-api.eu-central-1.amazonaws.com/ws',
    },
  },
  createTenant: {
    body: { name: 'acme', limits: { liveSandboxes: 50 } },
    answer: { tenant, key: { ...withSecret, name: 'first key', role: 'admin' } },
  },
  listTenants: { answer: page(tenant) },
  validateCode: {
    body: { language: 'python', code: 'print(1' },
    answer: {
      valid: false,
      problems: [{ line: 1, column: 6, message: "SyntaxError: '(' was never closed" }],
    },
  },
  completeCode: {
    body: { code: 'import math\nmath.sq', cursor: 19 },
    answer: {
      start: 17,
      end: 19,
      matches: [{ text: 'sqrt', kind: 'function' }],
      truncated: false,
    },
  },
  makeDirectory: { body: { path: 'reports' } },
  moveFile: { body: { from: 'draft.csv', to: 'reports/final.csv' } },
};
