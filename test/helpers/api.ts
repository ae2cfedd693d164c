/** The deployment under test, by plain HTTP: what curl would send and see. */
import { inject } from 'vitest';
import type { Target } from '../e2e/global-setup.ts';

export const target = inject('target');

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // Whatever the server said: tests assert its shape.
  // oxlint-disable-next-line typescript/no-explicit-any -- an answer is untyped until it is asserted
  readonly json: any;
}

export interface Call {
  readonly method?: string;
  readonly body?: unknown;
  /** Sent as it is, in place of `body`. */
  readonly raw?: string | Uint8Array<ArrayBuffer>;
  readonly headers?: Record<string, string>;
  readonly apiKey?: string | null;
}

export interface TestSandbox extends AsyncDisposable {
  readonly id: string;
  run(code: string, options?: Record<string, unknown>): Promise<Answer['json']>;
}

export type Deployment = Pick<Target, 'baseUrl' | 'apiKey' | 'control' | 'websocketUrl'>;

const pause = () => new Promise((resolve) => setTimeout(resolve, 20));

/** What a test asks of a deployment: the one that all scenarios share, or one of its own. */
export function clientOf(deployment: Deployment) {
  async function api(path: string, call: Call = {}): Promise<Answer> {
    const body = call.raw ?? (call.body === undefined ? undefined : JSON.stringify(call.body));
    const response = await fetch(`${deployment.baseUrl}${path}`, {
      method: call.method ?? (body === undefined ? 'GET' : 'POST'),
      headers: {
        ...(call.apiKey === null ? {} : { 'X-API-Key': call.apiKey ?? deployment.apiKey }),
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...call.headers,
      },
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      json: text === '' ? undefined : JSON.parse(text),
    };
  }

  /** The control port of a local stack: its workers, its requests, its faults, an operator's invoke. */
  async function control(
    path: string,
    init: { method?: string; body?: unknown } = {},
  ): Promise<Answer['json']> {
    if (!deployment.control) throw new Error('this scenario needs a local stack');
    const response = await fetch(`${deployment.control.url}${path}`, {
      method: init.method ?? 'GET',
      headers: { authorization: `Bearer ${deployment.control.token}` },
      ...(init.body === undefined ? {} : { body: JSON.stringify(init.body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`control ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  /** A sandbox of its own for a test; launched for it where the pool, which tests share, is empty. */
  async function createSandbox(options: Record<string, unknown> = {}): Promise<TestSandbox> {
    const answer = await api('/sandboxes', { body: { runtime: 'python', ...options } });
    if (answer.status !== 201 && answer.status !== 202)
      throw new Error(`createSandbox: ${answer.status} ${JSON.stringify(answer.json)}`);
    const { id } = answer.json.data;
    if (answer.status === 202) await untilStatus(id, 'running');
    return {
      id,
      async run(code, execute = {}) {
        const started = await api(`/sandboxes/${id}/execute`, { body: { code, ...execute } });
        if (started.status === 200) return started.json.data;
        if (started.status !== 202)
          throw new Error(`execute: ${started.status} ${JSON.stringify(started.json)}`);
        return untilFinished(started.json.data.id);
      },
      [Symbol.asyncDispose]: async () => {
        await api(`/sandboxes/${id}`, { method: 'DELETE' });
      },
    };
  }

  /** The sandbox once it has this status; fails when it has ended otherwise. */
  async function untilStatus(id: string, status: string): Promise<Answer['json']> {
    while (true) {
      const { data } = (await api(`/sandboxes/${id}`)).json;
      if (data.status === status) return data;
      if (data.status === 'stopped' || data.status === 'failed')
        throw new Error(`sandbox ${id} is ${data.status} (${data.endReason}), not ${status}`);
      await pause();
    }
  }

  /** The execution once it has ended. */
  async function untilFinished(executionId: string): Promise<Answer['json']> {
    let after = 0;
    while (true) {
      const page = await api(`/executions/${executionId}/events?after=${after}&waitMs=20000`);
      after = page.json.data.nextCursor;
      if (page.json.data.finished) return (await api(`/executions/${executionId}`)).json.data;
    }
  }

  return { api, control, createSandbox, untilStatus, untilFinished };
}

export const { api, control, createSandbox, untilStatus, untilFinished } = clientOf(target);
