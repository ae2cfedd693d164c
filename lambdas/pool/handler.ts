/**
 * `pool`: refills the pools when asked and each minute. Each minute it also compares records with
 * tasks both ways, lives with their lifecycles, leases with their relays, and tells what is untold;
 * once a day it keeps the functions inside networks awake. By direct invoke an operator pauses the
 * deployment and ends everything in it, and resumes it.
 */
import * as z from 'zod/mini';
import { agentHealth } from '../../core/agent/agent.ts';
import { repairRelays } from '../../core/output/repair-relays.ts';
import { type OpenSeat, type PoolTarget, poolKeyOf } from '../../core/pool/pool-task.ts';
import { recyclePools } from '../../core/pool/recycle-pool.ts';
import { type RefillReport, refillPool } from '../../core/pool/refill-pool.ts';
import { standing, stopAll } from '../../core/pool/stop-all.ts';
import { publishLeft } from '../../core/sandbox/outbox.ts';
import { reconcileSandboxes } from '../../core/sandbox/reconcile.ts';
import { parseEnv } from '../shared/env.ts';
import { logError, logInfo } from '../shared/telemetry.ts';
import { PoolEnv } from './env.ts';
import { warmPools } from './pools.ts';
import { wire } from './wire.ts';

const env = parseEnv(PoolEnv);
const deps = wire(env);
const pools = warmPools(env);

export async function handler(event: unknown): Promise<unknown> {
  const seat = SeatRefill.safeParse(event);
  if (seat.success) return refillSeat(seat.data.refill);
  const asked = requestOf(event);
  switch (asked.task) {
    case 'daily':
      return keepAwake();
    case 'level':
      return { pools: await Promise.all(pools.map(level)) };
    case 'minute':
      return lookAfter();
    case 'refill':
      return refill();
    case 'standing':
      return standing(deps);
    case 'stopAll':
      return stopAll(deps, pools, { hard: asked.hard });
    case 'resume':
      await deps.pauses.end();
      await refill();
      return standing(deps);
  }
}

/** A paused deployment keeps nothing warm. */
async function targets(): Promise<PoolTarget[]> {
  if (!(await deps.pauses.get())) return pools;
  return pools.map(({ pool }) => ({ pool, target: 0 }));
}

async function refill(): Promise<void> {
  for (const pool of await targets()) tell(pool, await refillPool(deps, pool));
}

/** Of a pause it need not know: nobody claims then, and what was claimed before is emptied again. */
async function refillSeat({ pool: key, seat }: OpenSeat): Promise<void> {
  const pool = pools.find(({ pool }) => poolKeyOf(pool) === key);
  // A seat of the deployment before this one.
  if (pool) tell(pool, await refillPool(deps, pool, seat));
}

function tell({ pool }: PoolTarget, { launched, failed }: RefillReport): void {
  for (const reason of failed) logError('launch failed', new Error(reason));
  if (launched > 0) logInfo('pool refilled', { launched, network: pool.network });
}

/** For an operator who wants to know whether the first sandboxes will be warm. */
async function level({ pool, target }: PoolTarget) {
  const free = await deps.pool.allFree(poolKeyOf(pool));
  return { network: pool.network, target, free: free.length };
}

/** A claim says which seat it gave back. */
const SeatRefill = z.object({
  refill: z.object({ pool: z.string(), seat: z.int().check(z.minimum(0)) }),
});
const Request = z.discriminatedUnion('task', [
  z.object({ task: z.enum(['minute', 'daily', 'level', 'standing', 'resume']) }),
  z.object({ task: z.literal('stopAll'), hard: z._default(z.boolean(), false) }),
]);
const Refill = z.object({ task: z._default(z.literal('refill'), 'refill') });

/** Rules and operators say which task; whoever wants a refill names none. */
const requestOf = (event: unknown) => z.parse(z.union([Request, Refill]), event);

/** One part that fails or takes long must not keep the others from their work. */
async function lookAfter(): Promise<void> {
  await Promise.all([
    part('sandboxes', reconcileSandboxes(deps)),
    part('tasks', recycleAndRefill()),
    part('relays', repairRelays(deps)),
    part('events', publishLeft(deps)),
  ]);
}

/** In this order: what is retired leaves a seat to fill. */
async function recycleAndRefill() {
  try {
    return await recyclePools(deps, await targets());
  } finally {
    await refill();
  }
}

async function part(name: string, work: Promise<unknown>): Promise<void> {
  try {
    const done = await work;
    if (isWorthTelling(done)) logInfo(`looked after ${name}`, { done });
  } catch (error) {
    logError(`could not look after ${name}`, error);
  }
}

const isWorthTelling = (done: unknown): boolean =>
  typeof done === 'object' && done !== null
    ? Object.values(done).some((each) => (Array.isArray(each) ? each.length > 0 : each > 0))
    : Number(done) > 0;

/** A function in a VPC that is idle for weeks is put to sleep, and its next caller waits for it. */
async function keepAwake(): Promise<void> {
  for (const { pool } of pools)
    await agentHealth(deps.gateway, { host: NOBODY, network: pool.network }).catch(() => {});
}

/** The function's own loopback: nothing listens there. */
const NOBODY = '127.0.0.1';
