/** Code that is run once: one request, repeated under its key until the code has ended. */
import type * as z from 'zod/mini';
import type { Result } from '../../../contract/rest/executions.ts';
import type { RunBody, RunFile, Run as RunInfo } from '../../../contract/rest/run.ts';
import { CodeInterpreterError } from './errors.ts';
import { Files } from './files/files.ts';
import { type ExecutionResult, ResultFold } from './result.ts';
import type { Api } from './transport/http.ts';
import { call } from './transport/retry.ts';
import { sleep, within } from './transport/timing.ts';
import { wholeResult, withData } from './whole-results.ts';

/** What is run, and what it is given. */
export interface RunOnceOptions extends Omit<z.input<typeof RunBody>, 'files'> {
  /** Written before the code runs, by path: text, or bytes. With all else at most about 4 MB. */
  files?: Readonly<Record<string, string | Uint8Array>>;
  /**
   * Under the same key the code runs once in 24 h: a repeat answers the first run. Its files are there
   * for a minute at most.
   *
   * @default a key of this call's own
   */
  idempotencyKey?: string;
  /** Ends the waiting, and the sandbox where that is known by then; else it ends soon after `timeoutMs`. */
  signal?: AbortSignal;
}

/** What a run came to, with the files that it left. */
export interface RunOnceResult extends ExecutionResult {
  /** Of `outputFiles`, what was there, by path. */
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** Of `outputFiles`, what could not be read, by path: why. */
  readonly missing: Readonly<Record<string, string>>;
}

/** @internal */
export async function runOnce(api: Api, options: RunOnceOptions): Promise<RunOnceResult> {
  const { files = {}, idempotencyKey = crypto.randomUUID(), signal, ...rest } = options;
  const given = Object.entries(files).map(([path, data]) => ({ path, ...contentOf(data) }));
  const body = { ...rest, ...(given.length === 0 ? {} : { files: given }) };
  let run: RunInfo | undefined;
  try {
    for (let looks = 0; ; looks += 1) {
      run = await call(api, 'runOnce', { body, idempotencyKey, signal });
      if (run.status === 'finished' || run.status === 'lost') break;
      const { baseMs, capMs } = api.timing.statusPoll;
      await sleep(Math.min(capMs, baseMs * 1.5 ** looks), signal);
    }
  } catch (error) {
    if (run && signal?.aborted) await end(api, run.sandboxId);
    throw error;
  }
  return { ...(await resultOf(api, run, signal)), ...(await filesOf(api, run, signal)) };
}

/** From the answer; where that was cut, from the events. */
async function resultOf(
  api: Api,
  run: RunInfo,
  signal: AbortSignal | undefined,
): Promise<ExecutionResult> {
  const { id, stdout, stderr, exitCode, outcome, results, error, metrics, truncated } = run;
  if (!run.stdoutTruncated && !run.stderrTruncated && !run.resultsTruncated) {
    const whole: Result[] = [];
    for (const result of results) whole.push(await wholeResult(api, result, signal));
    return {
      executionId: id,
      stdout,
      stderr,
      exitCode: exitCode ?? null,
      outcome: outcome ?? 'lost',
      results: whole,
      error,
      metrics: metrics ?? { wallMs: 0 },
      truncated,
    };
  }
  const fold = new ResultFold();
  for (let after = 0, finished = false; !finished; ) {
    const params = { executionId: id };
    const page = await call(api, 'readEvents', { params, query: { after: String(after) }, signal });
    for (const event of page.items) fold.add(await withData(api, event, signal));
    ({ nextCursor: after, finished } = page);
  }
  return fold.result;
}

async function filesOf(
  api: Api,
  { sandboxId, files }: RunInfo,
  signal: AbortSignal | undefined,
): Promise<Pick<RunOnceResult, 'files' | 'missing'>> {
  const found: Record<string, Uint8Array> = {};
  const missing: Record<string, string> = {};
  for (const file of files) {
    try {
      found[file.path] = await bytesOf(api, sandboxId, file, signal);
    } catch (error) {
      if (!(error instanceof CodeInterpreterError)) throw error;
      missing[file.path] = error.message;
    }
  }
  if (files.some(({ state }) => state === 'kept')) await end(api, sandboxId);
  return { files: found, missing };
}

/** @throws {CodeInterpreterError} */
async function bytesOf(
  api: Api,
  sandboxId: string,
  { path, state, text, base64, problem }: RunFile,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  if (text !== undefined) return new TextEncoder().encode(text);
  if (base64 !== undefined) return Uint8Array.from(atob(base64), (byte) => byte.charCodeAt(0));
  if (state === 'kept')
    return new Files(api, sandboxId).read(path, signal === undefined ? {} : { signal });
  throw new CodeInterpreterError(
    problem?.code ?? 'SANDBOX_GONE',
    problem?.message ?? `The sandbox had ended before ${path} was read.`,
  );
}

/** Should this fail, it ends by itself within the minute. */
async function end(api: Api, sandboxId: string): Promise<void> {
  const ending = call(api, 'terminateSandbox', { params: { sandboxId } }).catch(() => undefined);
  await within(ending, api.timing.interruptMs);
}

function contentOf(data: string | Uint8Array): { text: string } | { base64: string } {
  if (typeof data === 'string') return { text: data };
  let binary = '';
  for (let at = 0; at < data.length; at += 32_768)
    binary += String.fromCharCode(...data.subarray(at, at + 32_768));
  return { base64: btoa(binary) };
}
