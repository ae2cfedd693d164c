/**
 * A real agent in a process of its own, on a free port and in a folder of its own, with a small
 * client. For the agent's tests and for whoever needs a sandbox without a box around it.
 */

import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ExecutionLimits } from '../../contract/agent/protocol.ts';
import { type Event, EventLine, type EventOf } from '../../contract/events.ts';
import { startInContainer } from './agent-container.ts';
import { startInImage } from './agent-image.ts';
import { type AgentParts, partsInBox, partsOnHost } from './agent-parts.ts';
import {
  type AgentProcess,
  type AgentRequest,
  pidOutside,
  shape,
  startOnHost,
} from './agent-process.ts';

const START_MS = 15_000;

export interface StartAgentOptions extends AgentParts {
  /** More of the agent's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** A folder beside its own that it must see. */
  readonly sees?: string;
  /** `init` is called with these, unless it is false. */
  readonly init?: false | { readonly env?: Record<string, string>; readonly expiresAt?: string };
}

export interface RunOptions {
  readonly language?: string;
  readonly contextId?: string;
  readonly timeoutMs?: number;
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  readonly stdin?: string;
  readonly keepStdinOpen?: boolean;
  readonly limits?: ExecutionLimits;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Headers;
}

/** A sandbox id, execution id or such: a prefix and 20 of [a-z0-9]. */
export const newId = (prefix: string): string => `${prefix}${randomBytes(10).toString('hex')}`;

/** Whether this machine can start user code as another user. */
export const canUseLauncher = process.getuid?.() === 0 && process.platform === 'linux';

export async function startAgent(options: StartAgentOptions = {}): Promise<TestAgent> {
  const folder = await mkdtemp(join(tmpdir(), 'agent-test-'));
  await chmod(folder, 0o755);
  const workspace = join(folder, 'user');
  await mkdir(workspace);
  const folders: [string, ...string[]] = [
    folder,
    ...(options.sees === undefined ? [] : [options.sees]),
  ];
  const common = { AGENT_SPOOL: join(folder, 'spool'), AGENT_WORKSPACE: workspace };
  const particular =
    shape.shape === 'host' ? await partsOnHost(folder, options) : await partsInBox(folder, options);
  const environment: Record<string, string> = { ...common, ...particular, ...options.env };
  const uid = Number(
    environment['AGENT_USER_UID'] ?? (shape.shape === 'host' ? process.getuid?.() : 1000),
  );
  const started = await startProcess({ folders, environment });
  const agent = new TestAgent(started, { folder, workspace, uid });
  try {
    await agent.listening;
    if (options.init !== false) await agent.init(options.init);
    return agent;
  } catch (error) {
    await agent[Symbol.asyncDispose]();
    throw error;
  }
}

async function startProcess(request: AgentRequest): Promise<AgentProcess> {
  switch (shape.shape) {
    case 'host':
      return startOnHost(request);
    case 'image':
      return startInImage(shape, request);
    case 'container':
      return startInContainer(shape, request);
  }
}

export class TestAgent implements AsyncDisposable {
  readonly #process: AgentProcess;
  readonly folder: string;
  readonly workspace: string;
  /** Whose its user code is. */
  readonly uid: number;
  readonly token = randomBytes(32).toString('hex');
  readonly sandboxId = newId('sb');
  /** What the agent wrote, a line each. */
  readonly logLines: string[] = [];
  readonly listening: Promise<void>;
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  #baseUrl = '';
  #hasExited = false;

  constructor(started: AgentProcess, own: { folder: string; workspace: string; uid: number }) {
    this.#process = started;
    this.folder = own.folder;
    this.workspace = own.workspace;
    this.uid = own.uid;
    this.exited = started.exited.then((end) => {
      this.#hasExited = true;
      return end;
    });
    this.listening = this.#listen();
  }

  /** Of the agent's process, on this machine. */
  get pid(): number | undefined {
    return this.#process.pid();
  }

  /** The id on this machine of a process that user code calls `inside`. */
  pidOutside(inside: number): number | undefined {
    const own = this.pid;
    return own === undefined ? undefined : pidOutside(own, inside);
  }

  terminate(): void {
    this.#process.terminate();
  }

  get baseUrl(): string {
    return this.#baseUrl;
  }

  initBody(options: { env?: Record<string, string>; expiresAt?: string } = {}) {
    const sha256 = createHash('sha256').update(this.token).digest('hex');
    return {
      sandboxId: this.sandboxId,
      tokenSha256: sha256,
      accessTokenSha256: sha256,
      env: options.env ?? {},
      expiresAt: options.expiresAt ?? new Date(Date.now() + 600_000).toISOString(),
    };
  }

  async init(options: { env?: Record<string, string>; expiresAt?: string } = {}): Promise<void> {
    const answer = await this.call('POST', '/init', this.initBody(options));
    if (answer.status !== 200) throw new Error(`init answered ${JSON.stringify(answer.body)}`);
  }

  /** One call with the control token. A body that is a string is sent as it is. */
  async call(method: string, path: string, body?: unknown, token = this.token): Promise<Answer> {
    const response = await fetch(`${this.#baseUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined
        ? {}
        : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const parsed: unknown = text === '' ? undefined : JSON.parse(text);
    return { status: response.status, body: parsed, headers: response.headers };
  }

  async start(code: string, options: RunOptions = {}): Promise<string> {
    const executionId = newId('ex');
    const body = { executionId, code, language: 'python', timeoutMs: 20_000, ...options };
    const answer = await this.call('POST', '/executions', body);
    if (answer.status !== 201) throw new Error(`start answered ${JSON.stringify(answer.body)}`);
    return executionId;
  }

  /** Events until the stream ends; a cut one throws. Keepalives are left out. */
  async *events(executionId: string, after = 0, epoch = 1): AsyncGenerator<Event> {
    for await (const line of this.lines(executionId, after, epoch)) if ('seq' in line) yield line;
  }

  async *lines(
    executionId: string,
    after = 0,
    epoch = 1,
    signal?: AbortSignal,
  ): AsyncGenerator<EventLine> {
    const path = `/executions/${executionId}/events?after=${after}&epoch=${epoch}`;
    const response = await fetch(`${this.#baseUrl}${path}`, {
      headers: { authorization: `Bearer ${this.token}` },
      ...(signal ? { signal } : {}),
    });
    if (!response.ok || !response.body) throw new Error(`events: ${await response.text()}`);
    let rest = '';
    for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      for (const part of parts) yield EventLine.parse(JSON.parse(part));
    }
  }

  /** Runs code to its end. */
  async run(code: string, options: RunOptions = {}): Promise<RunResult> {
    return this.result(await this.start(code, options));
  }

  async result(executionId: string): Promise<RunResult> {
    const result = summarize(executionId, await Array.fromAsync(this.events(executionId)));
    // No test wants it, and only the agent knows why.
    if (result.error?.name === 'KernelNotStarted')
      console.error(this.logLines.slice(-40).join('\n'));
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#hasExited) this.terminate();
    const late = setTimeout(() => this.#process.kill(), 5_000);
    await this.exited;
    clearTimeout(late);
    await this.#process[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true });
  }

  async #listen(): Promise<void> {
    const port = new Promise<number>((resolve) => {
      for (const stream of this.#process.output) {
        createInterface(stream).on('line', (line) => {
          this.logLines.push(line);
          const found = /"message":"the agent listens".*"port":(\d+)/.exec(line)?.[1];
          if (found !== undefined) resolve(Number(found));
        });
      }
    });
    const late = AbortSignal.timeout(START_MS);
    const bound = await Promise.race([
      port,
      this.exited.then(({ code, signal }) => {
        throw new Error(
          `the agent ended at its start (${signal ?? code}): ${this.logLines.join(' ')}`,
        );
      }),
      new Promise<never>((_, reject) => {
        late.addEventListener('abort', () => reject(new Error('the agent does not listen')));
      }),
    ]);
    this.#baseUrl = this.#process.baseUrl ?? `http://127.0.0.1:${bound}`;
  }
}

export interface RunResult {
  readonly executionId: string;
  readonly events: Event[];
  readonly stdout: string;
  readonly stderr: string;
  readonly results: EventOf<'result'>[];
  readonly error: EventOf<'error'> | undefined;
  readonly limits: EventOf<'limit'>[];
  readonly finished: EventOf<'finished'>;
}

function summarize(executionId: string, events: Event[]): RunResult {
  const finished = events.at(-1);
  if (finished?.type !== 'finished') throw new Error('the events end without finished');
  const text = (type: 'stdout' | 'stderr') =>
    events.map((event) => (event.type === type ? (event.text ?? '') : '')).join('');
  return {
    executionId,
    events,
    stdout: text('stdout'),
    stderr: text('stderr'),
    results: events.filter((event) => event.type === 'result'),
    error: events.find((event) => event.type === 'error'),
    limits: events.filter((event) => event.type === 'limit'),
    finished,
  };
}

/** One form of a result that is text. */
export function formOf(result: Event | undefined, mime = 'text/plain'): string {
  const form = result?.type === 'result' ? result.data?.[mime] : undefined;
  return typeof form === 'string' ? form : '';
}
