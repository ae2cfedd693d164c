/**
 * The routes of the E2B wire that are no calls of a service: plain HTTP of envd and of the interpreter, each
 * with errors in the shape of its own.
 */
import { AppError, statusOf } from '../../../contract/errors.ts';
import { connectErrorOf } from './connect-errors.ts';
import type { E2bExchange } from './exchange.ts';
import { readFile, writeFiles } from './files.ts';
import {
  createContext,
  deleteContext,
  execute,
  listContexts,
  restartContext,
} from './interpreter.ts';

export interface PlainRoute {
  readonly method: string;
  readonly pattern: RegExp;
  /** Answers what becomes JSON, or undefined where it has answered itself. */
  readonly handle: (exchange: E2bExchange, id: string) => Promise<object | null | undefined>;
  readonly tell: (error: unknown) => Failure;
}

export interface Failure {
  readonly status: number;
  /** A text is told as it is. */
  readonly body: object | string;
}

const done = async (work: Promise<void>): Promise<undefined> => {
  await work;
};

const ENVD: readonly Omit<PlainRoute, 'tell'>[] = [
  { method: 'GET', pattern: /^\/e2b\/envd\/files$/, handle: (call) => done(readFile(call)) },
  { method: 'POST', pattern: /^\/e2b\/envd\/files$/, handle: writeFiles },
  {
    method: 'GET',
    pattern: /^\/e2b\/envd\/envs$/,
    handle: async ({ sandbox }) => sandbox.state.env,
  },
  { method: 'GET', pattern: /^\/e2b\/envd\/metrics$/, handle: metrics },
];

const MIB = 1024 * 1024;

/** As that wire names them. */
async function metrics({ sandbox }: E2bExchange): Promise<object> {
  const { sampler } = sandbox;
  // The first comes only after a while.
  const sample = sampler.last ?? (await sampler.sample());
  const { cpuCount = 0, cpuPercent = 0, memoryUsedBytes = 0, memoryLimitBytes = 0 } = sample;
  return {
    ts: Math.floor(Date.parse(sample.at) / 1000),
    cpu_count: cpuCount,
    cpu_used_pct: cpuPercent,
    mem_total: memoryLimitBytes,
    mem_used: memoryUsedBytes,
    mem_total_mib: Math.floor(memoryLimitBytes / MIB),
    mem_used_mib: Math.floor(memoryUsedBytes / MIB),
    disk_used: sample.diskUsedBytes ?? 0,
    disk_total: sample.diskLimitBytes ?? 0,
  };
}

const INTERPRETER: readonly Omit<PlainRoute, 'tell'>[] = [
  {
    method: 'POST',
    pattern: /^\/e2b\/interpreter\/execute$/,
    handle: (call) => done(execute(call)),
  },
  { method: 'POST', pattern: /^\/e2b\/interpreter\/contexts$/, handle: createContext },
  { method: 'GET', pattern: /^\/e2b\/interpreter\/contexts$/, handle: listContexts },
  {
    method: 'POST',
    pattern: /^\/e2b\/interpreter\/contexts\/([^/]+)\/restart$/,
    handle: restartContext,
  },
  { method: 'DELETE', pattern: /^\/e2b\/interpreter\/contexts\/([^/]+)$/, handle: deleteContext },
];

export const PLAIN_ROUTES: readonly PlainRoute[] = [
  ...ENVD.map((route) => ({ ...route, tell: envdFailure })),
  ...INTERPRETER.map((route) => ({ ...route, tell: interpreterFailure })),
];

/** A disk that is full is told as 507, which its clients know. */
const DISK_FULL = 507;

function envdFailure(error: unknown): Failure {
  const isFull = error instanceof AppError && error.details?.['problem'] === 'no_space';
  const code = isFull ? DISK_FULL : statusIn(error);
  return { status: code, body: { code, message: connectErrorOf(error).message } };
}

function interpreterFailure(error: unknown): Failure {
  if (error instanceof AppError && error.code === 'CONTEXT_NOT_FOUND')
    return { status: 404, body: `Context ${String(error.details?.['contextId'])} not found` };
  return { status: statusIn(error), body: connectErrorOf(error).message };
}

function statusIn(error: unknown): number {
  return error instanceof AppError ? statusOf(error.code) : connectErrorOf(error).status;
}
