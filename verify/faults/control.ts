/** The control port of a local stack, as this proof uses it: counts, faults, direct invokes. Every answer is parsed. */
import { readFile } from 'node:fs/promises';
import * as z from 'zod';

const Endpoints = z.object({
  baseUrl: z.url(),
  apiKey: z.string(),
  websocketUrl: z.url().optional(),
  controlUrl: z.url(),
  controlToken: z.string(),
});
export type Endpoints = z.output<typeof Endpoints>;

const Requests = z.object({
  requests: z.array(
    z.object({ service: z.string(), action: z.string(), principal: z.string(), count: z.number() }),
  ),
});
export type RequestCount = z.output<typeof Requests>['requests'][number];

const Rule = z.object({ id: z.string(), hits: z.number() });
const Rules = z.object({ faults: z.array(Rule) });
const Executions = z.object({
  executions: z.array(z.object({ status: z.string(), name: z.string() })),
});
const Invoked = z.object({ payload: z.unknown() });

export class FaultsError extends Error {
  override readonly name = 'FaultsError';
}

export async function readEndpoints(file: string): Promise<Endpoints> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw new FaultsError(
      `There is no ${file}: start a stack with \`npm start\`, or name its file with --endpoints.`,
    );
  });
  const parsed = Endpoints.safeParse(JSON.parse(text));
  if (parsed.success) return parsed.data;
  throw new FaultsError(`${file} is not of a local stack: ${z.prettifyError(parsed.error)}`);
}

export class Control {
  readonly #endpoints: Pick<Endpoints, 'controlUrl' | 'controlToken'>;

  constructor(endpoints: Pick<Endpoints, 'controlUrl' | 'controlToken'>) {
    this.#endpoints = endpoints;
  }

  async requests(): Promise<readonly RequestCount[]> {
    return Requests.parse(await this.#call('GET', '/requests')).requests;
  }

  async resetRequests(): Promise<void> {
    await this.#call('DELETE', '/requests');
  }

  async addFault(rule: object): Promise<void> {
    await this.#call('POST', '/faults', rule);
  }

  /** How often the rules that are set have struck. */
  async strikes(): Promise<number> {
    const { faults } = Rules.parse(await this.#call('GET', '/faults'));
    return faults.reduce((sum, { hits }) => sum + hits, 0);
  }

  async clearFaults(): Promise<void> {
    await this.#call('DELETE', '/faults');
  }

  async runningLives(): Promise<readonly string[]> {
    const { executions } = Executions.parse(await this.#call('GET', '/executions'));
    return executions.filter(({ status }) => status === 'RUNNING').map(({ name }) => name);
  }

  /** As an operator with IAM rights. */
  async invoke(functionName: string, event: object): Promise<unknown> {
    const answer = await this.#call('POST', `/functions/${functionName}/invoke`, event);
    return Invoked.parse(answer).payload;
  }

  async #call(method: string, path: string, body?: object): Promise<unknown> {
    const { controlUrl, controlToken } = this.#endpoints;
    const response = await fetch(`${controlUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${controlToken}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (response.ok) return JSON.parse(text);
    throw new FaultsError(`${method} ${path} at the control port: ${response.status} ${text}`);
  }
}
