/** The deployment as scenarios use it: plain HTTP, an operator's invokes, and what they leave behind taken away. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Parts } from './deployment.ts';
import { functionNamed } from './names.ts';
import type { Answer, CallOptions, World } from './scenario.ts';
import type { Stack } from './stack.ts';

const LOOK_MS = 25;

export function worldOf({ stack, control, operator }: Parts, signal: AbortSignal): World {
  const call: World['call'] = async (path, options = {}, ...expected) => {
    signal.throwIfAborted();
    const answer = await send(stack, path, options, signal);
    const good =
      expected.length === 0
        ? answer.status >= 200 && answer.status < 300
        : expected.includes(answer.status);
    if (good) return answer;
    throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.data).slice(0, 300)}`);
  };
  const until: World['until'] = async (condition) => {
    while (!(await condition())) await delay(LOOK_MS, undefined, { signal });
  };
  const untilStatus: World['untilStatus'] = async (id, status) => {
    let data: Answer['data'] = {};
    await until(async () => {
      ({ data } = await call(`/sandboxes/${id}`));
      if (data['status'] === status) return true;
      if (data['status'] === 'stopped')
        throw new Error(`${id} stopped: ${String(data['endReason'])}`);
      return false;
    });
    return data;
  };
  return {
    ...operator,
    stack,
    control,
    functionNamed,
    call,
    until,
    untilStatus,
    async sandbox(options = {}) {
      const { status, data } = await call('/sandboxes', {
        body: { runtime: 'python', ...options },
      });
      const id = String(data['id']);
      if (status === 202) await untilStatus(id, 'running');
      return id;
    },
    async run(id, code, headers = {}, options = {}) {
      const { data } = await call(`/sandboxes/${id}/execute`, {
        body: { code, ...options },
        headers,
      });
      return data;
    },
    async invoke(name, payload) {
      const { error, payload: answer } = await control.invoke(functionNamed(name), payload);
      if (error !== undefined) throw new Error(`${name}: ${JSON.stringify(error).slice(0, 300)}`);
      return answer;
    },
  };
}

async function send(
  { baseUrl, apiKey }: Stack,
  path: string,
  options: CallOptions,
  signal: AbortSignal,
): Promise<Answer> {
  const body =
    options.raw ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
  const response = await fetch(path.startsWith('http') ? path : `${baseUrl}${path}`, {
    method: options.method ?? (body === undefined ? 'GET' : 'POST'),
    headers: {
      'X-API-Key': options.apiKey ?? apiKey,
      ...(options.body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...options.headers,
    },
    signal,
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  return { status: response.status, data: dataOf(text) };
}

function dataOf(text: string): Answer['data'] {
  try {
    const parsed = JSON.parse(text) as Answer['data'];
    return (parsed['data'] ?? parsed) as Answer['data'];
  } catch {
    return { text };
  }
}

/** What scenarios that failed have left: sandboxes, faults, a pool that is not full. */
export async function tidy(world: World): Promise<void> {
  const { control } = world;
  await control.clearFaults();
  const { data } = await world.call('/sandboxes?limit=100');
  for (const { id, status } of data['items'] as { id: string; status: string }[])
    if (status !== 'stopped' && status !== 'stopping')
      await world.call(`/sandboxes/${id}`, { method: 'DELETE' }, 202, 404, 409, 410);
  await world.until(async () => (await standing(world)) === 0);
  await world.invoke('pool', { task: 'minute' });
  await world.until(() => isPoolFull(world));
  // Whoever ends workers now must end none in the middle of a launch.
  await world.until(() => control.isQuiet());
}

/** Sandboxes that have not stopped. */
async function standing(world: World): Promise<number> {
  const { sandboxes } = (await world.invoke('pool', { task: 'standing' })) as { sandboxes: number };
  return sandboxes;
}

export async function isPoolFull(world: World): Promise<boolean> {
  const { pools } = (await world.invoke('pool', { task: 'level' })) as {
    pools: { target: number; free: number }[];
  };
  return pools.every(({ target, free }) => free >= target);
}
