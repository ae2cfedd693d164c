/** The way in: makes, finds and lists sandboxes. Sends nothing before the first call. */
import type * as z from 'zod/mini';
import type { SANDBOX_STATUSES } from '../../../contract/rest/sandboxes.ts';
import type { Runtime as RuntimeSchema } from '../../../contract/rest/service.ts';
import { type ClientOptions, type Endpoint, resolveEndpoint } from './config.ts';
import { type CreateSandboxOptions, create } from './create.ts';
import { type Paged, paged } from './paged.ts';
import { type RunOnceOptions, type RunOnceResult, runOnce } from './run-once.ts';
import { Sandbox } from './sandbox.ts';
import { type Api, exchange } from './transport/http.ts';
import { call } from './transport/retry.ts';
import { SocketClient } from './transport/socket/client.ts';
import { TIMING, type Timing } from './transport/timing.ts';
import { Ways } from './transport/ways.ts';

/** Which sandboxes to list; all where nothing is given. */
export interface ListSandboxesFilter {
  status?: (typeof SANDBOX_STATUSES)[number];
  runtime?: string;
  /** Every entry must be met. */
  metadata?: Record<string, string>;
}

/** A family of languages that can be asked for. */
export type Runtime = z.infer<typeof RuntimeSchema>;

/**
 * A client of one deployment.
 *
 * Options left out come from `CODE_INTERPRETER_API_KEY` and `CODE_INTERPRETER_BASE_URL`, else (in
 * Node) from `.local/endpoints.json`, which `npm start` writes, in the working directory or above.
 * They are looked up at the first call, which throws `CONFIGURATION_ERROR` where one is missing.
 *
 * @example
 * ```ts
 * const client = new CodeInterpreter();
 * await using sandbox = await client.createSandbox({ runtime: 'python' });
 * console.log((await sandbox.execute('print(6 * 7)')).stdout);
 * ```
 */
export class CodeInterpreter {
  readonly #api: Api;

  constructor(options: ClientOptions = {}) {
    this.#api = createApi(options, TIMING);
  }

  /**
   * Makes a sandbox and answers when it runs. It ends when it is terminated, or at its expiry. A
   * call that fails while it waits ends the sandbox that it made.
   *
   * @throws {@link CodeInterpreterError} `CAPACITY_UNAVAILABLE` or `DEADLINE_EXCEEDED` after
   *   `waitMs`, `SANDBOX_GONE` with the reason where it ended before it ran, `RESOURCE_LIMIT_ERROR`
   *   at the limit of live sandboxes, `VALIDATION_ERROR` with the field named
   *
   * @example
   * ```ts
   * await using sandbox = await client.createSandbox({ runtime: 'python', lifetimeMs: 600_000 });
   * ```
   */
  async createSandbox(options: CreateSandboxOptions): Promise<Sandbox> {
    const info = await create(this.#api, options);
    return new Sandbox(this.#api, info);
  }

  /**
   * Runs code once, in a sandbox of its own that then ends, and answers what came of it with the files
   * that it left.
   *
   * Code that raises, times out or is killed is a result with its `outcome`, not a throw.
   *
   * @throws {@link CodeInterpreterError} `CAPACITY_UNAVAILABLE` where no sandbox could be had,
   *   `RESOURCE_LIMIT_ERROR` at the limit of live sandboxes, `VALIDATION_ERROR` with the field named
   *
   * @example
   * ```ts
   * const { stdout, files } = await client.runOnce({
   *   language: 'python',
   *   code: 'open("out.txt", "w").write(open("in.txt").read().upper())',
   *   files: { 'in.txt': 'hello' },
   *   outputFiles: ['out.txt'],
   * });
   * console.log(new TextDecoder().decode(files['out.txt']));
   * ```
   */
  async runOnce(options: RunOnceOptions): Promise<RunOnceResult> {
    return runOnce(this.#api, options);
  }

  /**
   * Finds a sandbox again by its id.
   *
   * @throws {@link CodeInterpreterError} `SANDBOX_NOT_FOUND`
   */
  async getSandbox(id: string): Promise<Sandbox> {
    const info = await call(this.#api, 'getSandbox', { params: { sandboxId: id } });
    return new Sandbox(this.#api, info);
  }

  /**
   * Lists sandboxes, newest first.
   *
   * @example
   * ```ts
   * for await (const sandbox of client.listSandboxes({ status: 'running' })) {
   *   await sandbox.terminate();
   * }
   * ```
   */
  listSandboxes(filter: ListSandboxesFilter = {}): Paged<Sandbox> {
    const { metadata = {}, ...rest } = filter;
    const entries = Object.entries(metadata).map(([name, value]) => [`metadata.${name}`, value]);
    const narrowed = { ...rest, ...Object.fromEntries(entries) } as Record<string, string>;
    return paged(
      (query) => call(this.#api, 'listSandboxes', { query: { ...narrowed, ...query } }),
      (info) => new Sandbox(this.#api, info),
    );
  }

  /**
   * Closes the WebSocket where nothing is being read by it; the next run opens it again. It is
   * closed by itself too, a few seconds after the last run.
   */
  close(): void {
    this.#api.socket.closeIfIdle();
  }

  /** What can be asked for: families, versions, languages. */
  async runtimes(): Promise<Runtime[]> {
    return (await call(this.#api, 'runtimes', {})).items;
  }
}

/**
 * The parts of a client below its surface; the timing is a test's to shorten.
 * @internal
 */
export function createApi(options: ClientOptions, timing: Timing): Api {
  let found: Promise<Endpoint> | undefined;
  const endpoint = () => {
    found ??= resolveEndpoint(options).catch((error: unknown) => {
      found = undefined; // What was missing may be there at the next call.
      throw error;
    });
    return found;
  };
  const api: Api = {
    endpoint,
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    timing,
    ways: new Ways(options.transport ?? 'auto', timing),
    socket: new SocketClient({
      WebSocket: options.WebSocket ?? globalThis.WebSocket,
      timing,
      websocketUrl: async () => (await endpoint()).websocketUrl,
      baseUrl: async () => (await endpoint()).baseUrl,
      ticket: () => exchange(api, 'createTicket', {}),
    }),
  };
  return api;
}
