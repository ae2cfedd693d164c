/**
 * Where the API is and with which key: the options, else the environment, else the endpoints.json
 * of a deployment on this machine. A key is never sent to a place that it was not given for.
 */
import type * as FsPromises from 'node:fs/promises';
import type * as Path from 'node:path';
import * as z from 'zod/mini';
import { CodeInterpreterError } from './errors.ts';
import type { Way } from './transport/ways.ts';

/** What {@link CodeInterpreter} is made with; everything has a source to fall back on. */
export interface ClientOptions {
  /** @default `CODE_INTERPRETER_API_KEY`, else the key in `.local/endpoints.json` (Node only) */
  apiKey?: string;
  /**
   * Such as `http://127.0.0.1:8080/api/v1`.
   *
   * @default `CODE_INTERPRETER_BASE_URL`, else the one in `.local/endpoints.json` (Node only)
   */
  baseUrl?: string;
  /**
   * Such as `ws://127.0.0.1:8080/ws`.
   *
   * @default `CODE_INTERPRETER_WEBSOCKET_URL`, else what the deployment itself says
   */
  websocketUrl?: string;
  /**
   * How events come: `auto` is by WebSocket, by server-sent events where that does not pass, and by
   * long polling where neither does. Another one is that one or an error.
   *
   * @default 'auto'
   */
  transport?: Way | 'auto';
  /** @default the platform's own `fetch` */
  fetch?: typeof globalThis.fetch;
  /** @default the platform's own; Node 20 has none and reads server-sent events */
  WebSocket?: typeof globalThis.WebSocket;
}

export interface Endpoint {
  /** Without a trailing slash. */
  readonly baseUrl: string;
  readonly apiKey: string;
  /** Where it was told; else the deployment says it with each ticket. */
  readonly websocketUrl?: string;
}

const EndpointsFile = z.object({
  baseUrl: z.string(),
  apiKey: z.string(),
  websocketUrl: z.optional(z.string()),
});
const FILE = '.local/endpoints.json';

type Environment = Record<string, string | undefined>;

const environment = (): Environment =>
  (globalThis as { process?: { env?: Environment } }).process?.env ?? {};

/** @throws {CodeInterpreterError} `CONFIGURATION_ERROR` that says what is missing and what to do */
export async function resolveEndpoint(
  options: Pick<ClientOptions, 'apiKey' | 'baseUrl' | 'websocketUrl'>,
  sources: Sources = {
    env: environment(),
    readEndpoints: findEndpoints,
  },
): Promise<Endpoint> {
  const { env } = sources;
  const websocketUrl = options.websocketUrl ?? (env['CODE_INTERPRETER_WEBSOCKET_URL'] || undefined);
  const endpoint = await restEndpoint(options, sources);
  return websocketUrl === undefined
    ? endpoint
    : { ...endpoint, websocketUrl: normalUrl(websocketUrl, SOCKET_URL) };
}

type Sources = { env: Environment; readEndpoints: () => Promise<Endpoint | undefined> };

async function restEndpoint(
  options: Pick<ClientOptions, 'apiKey' | 'baseUrl'>,
  sources: Sources,
): Promise<Endpoint> {
  const apiKey = options.apiKey ?? (sources.env['CODE_INTERPRETER_API_KEY'] || undefined);
  const given = options.baseUrl ?? (sources.env['CODE_INTERPRETER_BASE_URL'] || undefined);
  const baseUrl = given === undefined ? undefined : normalUrl(given);
  if (apiKey !== undefined && baseUrl !== undefined) return { apiKey, baseUrl };
  const local = await sources.readEndpoints();
  if (apiKey === undefined && baseUrl === undefined) {
    if (local) return local;
    throw missing(
      `Neither an API key nor a base URL was given, and no ${FILE} was found from here upwards.`,
      'Start a local deployment with `npm start`',
    );
  }
  // Half from here and half from there would send a key to a deployment that it is not for.
  if (baseUrl === undefined) {
    throw missing('An API key was given, but no base URL.', 'Pass `baseUrl`');
  }
  if (local?.baseUrl === baseUrl) return local;
  throw missing(`No API key was given for ${baseUrl}.`, 'Pass `apiKey`');
}

function missing(what: string, doThis: string): CodeInterpreterError {
  return new CodeInterpreterError(
    'CONFIGURATION_ERROR',
    `${what} ${doThis}, or set CODE_INTERPRETER_API_KEY and CODE_INTERPRETER_BASE_URL (such as http://127.0.0.1:8080/api/v1).`,
  );
}

const BASE_URL = {
  protocols: /^https?:$/,
  what: 'base URL must be an http or https URL such as http://127.0.0.1:8080/api/v1',
};
const SOCKET_URL = {
  protocols: /^wss?:$/,
  what: 'WebSocket URL must be a ws or wss URL such as ws://127.0.0.1:8080/ws',
};

function normalUrl(text: string, { protocols, what } = BASE_URL): string {
  if (URL.canParse(text) && protocols.test(new URL(text).protocol)) {
    return text.replace(/\/+$/, '');
  }
  throw new CodeInterpreterError('CONFIGURATION_ERROR', `The ${what}, got "${text}".`);
}

export const isNode = (): boolean =>
  (globalThis as { process?: Host }).process?.versions?.node !== undefined;

type Host = { cwd?: () => string; versions?: { node?: string } };

/** Looks from the folder upwards; `undefined` outside Node and where there is none. */
export async function findEndpoints(start?: string): Promise<Endpoint | undefined> {
  const host = (globalThis as { process?: Host }).process;
  if (!host?.versions?.node || !host.cwd) return undefined;
  const { readFile } = await builtin<typeof FsPromises>('node:fs/promises');
  const path = await builtin<typeof Path>('node:path');
  for (let folder = start ?? host.cwd(); ; folder = path.dirname(folder)) {
    const file = path.join(folder, FILE);
    const text = await readFile(file, 'utf8').catch(() => undefined);
    if (text !== undefined) return parseEndpoints(text, file);
    if (folder === path.dirname(folder)) return undefined;
  }
}

/** Bundlers for browsers must not look for the module, so its name is not theirs to see. */
export async function builtin<T>(name: string): Promise<T> {
  return (await import(/* webpackIgnore: true */ /* @vite-ignore */ name)) as T;
}

function parseEndpoints(text: string, file: string): Endpoint {
  try {
    const { baseUrl, apiKey, websocketUrl } = z.parse(EndpointsFile, JSON.parse(text));
    return {
      baseUrl: normalUrl(baseUrl),
      apiKey,
      ...(websocketUrl === undefined ? {} : { websocketUrl: normalUrl(websocketUrl, SOCKET_URL) }),
    };
  } catch (cause) {
    throw new CodeInterpreterError(
      'CONFIGURATION_ERROR',
      `${file} must be JSON with baseUrl and apiKey, as \`npm start\` writes it. Start it again, or remove the file.`,
      { cause },
    );
  }
}
