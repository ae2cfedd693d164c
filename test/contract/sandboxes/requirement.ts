/** Whether this machine can isolate at all. Tests that need it are left out loudly, and never in CI. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { probe } from '../../../local/sandboxes/probe.ts';

const directory = mkdtempSync(join(tmpdir(), 'sandboxes-probe-'));
const result = await probe({ runDirectory: directory, log: () => undefined });
rmSync(directory, { recursive: true, force: true });

if (!result.possible) {
  const message = `this machine cannot isolate: ${result.reason}; ${result.remedy}`;
  if (process.env.CI === 'true') throw new Error(message);
  console.warn(`LEFT OUT: tests of real sandboxes; ${message}`);
}

export const canIsolate = result.possible;
export const hasLimits = result.possible && result.enforcesLimits;
