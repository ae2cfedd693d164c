/**
 * What a local deployment counted between two looks, times the prices. Counts are AWS's own units;
 * times of functions are this machine's, so they are a guess for AWS, and said as one.
 */
import { setTimeout as pause } from 'node:timers/promises';
import * as z from 'zod';
import type { Target } from '../target.ts';
import { BenchError } from '../target.ts';
import { PRICES } from './prices.ts';

const Functions = z.object({
  functions: z.array(
    z.object({
      functionName: z.string(),
      invocations: z.int(),
      busyMs: z.number(),
      memoryMb: z.number(),
    }),
  ),
});
const Requests = z.object({
  requests: z.array(z.object({ service: z.string(), action: z.string(), count: z.int() })),
});
const Transitions = z.object({ transitions: z.array(z.object({ count: z.int() })) });
const Executions = z.object({ executions: z.array(z.object({ status: z.string() })) });
const Units = z.object({
  units: z.array(z.object({ table: z.string(), readUnits: z.number(), writeUnits: z.number() })),
});

type FunctionCounts = z.infer<typeof Functions>['functions'];

export interface Usage {
  readonly functions: FunctionCounts;
  readonly requests: z.infer<typeof Requests>['requests'];
  readonly transitions: number;
  readonly readUnits: number;
  readonly writeUnits: number;
}

/** From the request to end a sandbox to the end of its life. */
const END_MS = 60_000;

export class Meter {
  readonly #control: NonNullable<Target['control']>;
  #before: FunctionCounts = [];

  constructor({ control }: Target) {
    if (!control)
      throw new BenchError('costs are counted by `npm start` on this machine: start one');
    this.#control = control;
  }

  /** From here on. */
  async begin(): Promise<void> {
    for (const name of ['requests', 'transitions', 'units']) await this.#call('DELETE', name);
    this.#before = Functions.parse(await this.#call('GET', 'functions')).functions;
  }

  /** Once every life has ended. */
  async read(): Promise<Usage> {
    await this.#allEnded();
    const { functions } = Functions.parse(await this.#call('GET', 'functions'));
    const { requests } = Requests.parse(await this.#call('GET', 'requests'));
    const { transitions } = Transitions.parse(await this.#call('GET', 'transitions'));
    const { units } = Units.parse(await this.#call('GET', 'units'));
    const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
    return {
      functions: functions.map((now) => {
        const before = this.#before.find(({ functionName }) => functionName === now.functionName);
        return {
          ...now,
          invocations: now.invocations - (before?.invocations ?? 0),
          busyMs: now.busyMs - (before?.busyMs ?? 0),
        };
      }),
      requests,
      transitions: sum(transitions.map(({ count }) => count)),
      readUnits: sum(units.map(({ readUnits }) => readUnits)),
      writeUnits: sum(units.map(({ writeUnits }) => writeUnits)),
    };
  }

  async #allEnded(): Promise<void> {
    const until = performance.now() + END_MS;
    while (performance.now() < until) {
      const { executions } = Executions.parse(await this.#call('GET', 'executions'));
      if (executions.every(({ status }) => status !== 'RUNNING')) return;
      await pause(250);
    }
    throw new BenchError('a sandbox of the measure did not end: are there others?');
  }

  async #call(method: 'GET' | 'DELETE', name: string): Promise<unknown> {
    const { url, token } = this.#control;
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(`${url}/${name}`, { method, headers });
    if (!response.ok) throw new BenchError(`the control port answered ${response.status}`);
    return response.json();
  }
}

/** What AWS bills, and what it comes to. */
export interface BilledLine {
  readonly what: string;
  readonly amount: number;
  readonly usd: number;
}

export interface Run {
  readonly usage: Usage;
  /** Of one task, boot included. */
  readonly taskSeconds: number;
  readonly outputBytes: number;
}

/** Lambda's own lines about an invocation, and one of ours. */
const LOG_BYTES_AN_INVOCATION = 1_200;
const STREAM_UNIT_BYTES = 10 * 1024 * 1024;

export function bill({ usage, taskSeconds, outputBytes }: Run): BilledLine[] {
  const { functions, requests } = usage;
  const invocations = functions.reduce((sum, each) => sum + each.invocations, 0);
  const gbSeconds = functions.reduce(
    (sum, { busyMs, memoryMb }) => sum + (busyMs / 1000) * (memoryMb / 1024),
    0,
  );
  const asked = (service: string, actions: RegExp) =>
    requests
      .filter((request) => request.service === service && actions.test(request.action))
      .reduce((sum, { count }) => sum + count, 0);
  // Each authenticated request meets the authorizer once: nothing of it is remembered.
  const rest = functions.find(({ functionName }) => functionName.endsWith('-authorizer'));
  const restRequests = (rest?.invocations ?? 0) + Math.floor(outputBytes / STREAM_UNIT_BYTES);
  const line = (what: string, amount: number, price: number): BilledLine => ({
    what,
    amount,
    usd: amount * price,
  });
  const task = PRICES.fargateVcpuHour.usd + 2 * PRICES.fargateGbHour.usd;
  return [
    line('Fargate, 1 vCPU and 2 GB, seconds', taskSeconds, task / 3600),
    line('Lambda, GB-seconds', gbSeconds, PRICES.lambdaGbSecond.usd),
    line('Lambda, calls', invocations, PRICES.lambdaRequest.usd),
    line('DynamoDB, write units', usage.writeUnits, PRICES.writeUnit.usd),
    line('DynamoDB, read units', usage.readUnits, PRICES.readUnit.usd),
    line('Step Functions, transitions', usage.transitions, PRICES.transition.usd),
    line('REST requests', restRequests, PRICES.restRequest.usd),
    line(
      'WebSocket messages',
      asked('execute-api', /^(PostToConnection|\$default)$/),
      PRICES.socketMessage.usd,
    ),
    line('S3, writes', asked('s3', /^(Put|Copy|Create|Upload|Complete|List)/), PRICES.s3Put.usd),
    line('S3, reads', asked('s3', /^(Get|Head)/), PRICES.s3Get.usd),
    line('events put', asked('events', /^PutEvents$/), PRICES.customEvent.usd),
    line('logs, GB', (invocations * LOG_BYTES_AN_INVOCATION) / 1e9, PRICES.logGb.usd),
  ];
}
