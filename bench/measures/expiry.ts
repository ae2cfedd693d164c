/** From a sandbox's expiry until it is stopping, and until its task was stopped. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Sandbox } from '../../sdk/typescript/src/index.ts';
import type { Measure } from '../measure.ts';

/** The shortest life that may be asked for. */
const LIFETIME_MS = 10_000;
const LOOK_EVERY_MS = 25;

export const expiry: Measure = {
  name: 'expiry',
  summary: 'expiresAt → stopping, and → stopped; so many at once',
  runs: 5,
  run: async ({ client, runs, signal }) => {
    const made = await Promise.all(
      Array.from({ length: runs }, () =>
        client.createSandbox({ runtime: 'python', lifetimeMs: LIFETIME_MS, signal }),
      ),
    );
    const ends = await Promise.all(made.map((sandbox) => endOf(sandbox, signal)));
    return [
      { name: 'expiry stopping', unit: 'ms', samples: ends.map(({ stopping }) => stopping) },
      { name: 'expiry stopped', unit: 'ms', samples: ends.map(({ stopped }) => stopped) },
    ];
  },
};

async function endOf(sandbox: Sandbox, signal: AbortSignal) {
  const expiresMs = Date.parse(sandbox.info.expiresAt);
  await pause(Math.max(0, expiresMs - Date.now()));
  let stopping = Number.NaN;
  while (true) {
    const { status, stoppedAt } = await sandbox.refresh();
    const isEnding = status === 'stopping' || status === 'stopped';
    if (isEnding && Number.isNaN(stopping)) stopping = Date.now() - expiresMs;
    if (stoppedAt !== undefined) return { stopping, stopped: Date.parse(stoppedAt) - expiresMs };
    await pause(LOOK_EVERY_MS, undefined, { signal });
  }
}
