/**
 * Which deployment is measured: the options, the environment, or the endpoints.json of `npm start`,
 * which also names the process whose descendants are the sandboxes of this machine.
 */
import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { isAlive, profileOf } from './processes.ts';

export interface Target {
  readonly baseUrl: string;
  readonly apiKey: string;
  /** Absent where none was named. */
  readonly websocketUrl: string | undefined;
  /** Of `npm start` on this machine; absent elsewhere. */
  readonly pid: number | undefined;
  /** Control port of `npm start`, where workers can be looked at. */
  readonly control: { readonly url: string; readonly token: string } | undefined;
  /** `fast` or `aws` of a local deployment, else `deployed`. A figure is quoted with it. */
  readonly profile: string;
}

export interface TargetOptions {
  readonly baseUrl?: string | undefined;
  readonly apiKey?: string | undefined;
  readonly websocketUrl?: string | undefined;
  /** @default .local/endpoints.json */
  readonly endpoints: string;
}

const Endpoints = z.object({
  baseUrl: z.url(),
  apiKey: z.string(),
  websocketUrl: z.url().optional(),
  pid: z.int().positive(),
  controlUrl: z.url(),
  controlToken: z.string(),
});
const READY_MS = 5_000;

export class BenchError extends Error {
  override readonly name = 'BenchError';
}

export async function findTarget(options: TargetOptions): Promise<Target> {
  const baseUrl = options.baseUrl ?? process.env['CODE_INTERPRETER_BASE_URL'];
  const apiKey = options.apiKey ?? process.env['CODE_INTERPRETER_API_KEY'];
  const target =
    baseUrl && apiKey
      ? {
          baseUrl: baseUrl.replace(/\/+$/, ''),
          apiKey,
          websocketUrl: options.websocketUrl ?? process.env['CODE_INTERPRETER_WEBSOCKET_URL'],
          pid: undefined,
          control: undefined,
          profile: 'deployed',
        }
      : await localTarget(options.endpoints);
  await checkReady(target.baseUrl);
  return target;
}

async function localTarget(file: string): Promise<Target> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw new BenchError(
      `No deployment to measure: ${file} is not there. Start one with \`npm start\`, or name one with --base-url and --api-key.`,
    );
  });
  const endpoints = Endpoints.parse(JSON.parse(text));
  const { baseUrl, apiKey, websocketUrl, pid, controlUrl, controlToken } = endpoints;
  if (!(await isAlive(pid))) {
    throw new BenchError(
      `${file} is of a deployment that has ended (process ${pid}). Run \`npm start\`.`,
    );
  }
  const control = { url: controlUrl, token: controlToken };
  return { baseUrl, apiKey, websocketUrl, pid, control, profile: await profileOf(pid) };
}

async function checkReady(baseUrl: string): Promise<void> {
  const url = `${baseUrl}/ready`;
  const response = await fetch(url, { signal: AbortSignal.timeout(READY_MS) }).catch(
    (error: unknown) => String(error),
  );
  if (typeof response !== 'string' && response.ok) return;
  const got = typeof response === 'string' ? response : `status ${response.status}`;
  throw new BenchError(`The deployment is not ready: ${url} gave ${got}.`);
}
