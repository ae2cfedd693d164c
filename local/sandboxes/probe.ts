/**
 * Finds out what this machine can isolate by doing it: one task with everything that a real one has,
 * running `true`. Asking whether a program is installed would say nothing about what the kernel allows.
 */
import { BwrapDriver, type BwrapDriverOptions } from './bwrap-driver.ts';
import { detectCgroups } from './cgroups/detect.ts';
import { messageOf } from './errors.ts';
import { type Explanation, explain } from './explain.ts';
import { rootIdentities, subordinateIdentities } from './identity.ts';

const BWRAP = '/usr/bin/bwrap';

interface Possible {
  readonly possible: true;
  readonly driver: string;
  /** Which control groups hold the limits, or why none do. */
  readonly limits: string;
  readonly enforcesLimits: boolean;
  readonly tookMs: number;
  readonly options: BwrapDriverOptions;
}

export type ProbeResult = Possible | ({ readonly possible: false } & Explanation);

export interface ProbeOptions {
  readonly runDirectory: string;
  readonly log: (message: string) => void;
}

export async function probe({ runDirectory, log }: ProbeOptions): Promise<ProbeResult> {
  try {
    const identities = process.getuid?.() === 0 ? rootIdentities : subordinateIdentities();
    const base = { bwrap: BWRAP, identities, runDirectory, log };
    return await tryWithLimits(base);
  } catch (error) {
    return { possible: false, ...explain(messageOf(error)) };
  }
}

/** A user outside systemd's session may see control groups and still not be allowed to use them. */
async function tryWithLimits(base: Omit<BwrapDriverOptions, 'cgroups'>): Promise<Possible> {
  const cgroups = detectCgroups();
  let refusal = 'this user may write to no control group';
  if (cgroups !== undefined) {
    try {
      const limits = `control groups, version ${cgroups.version}`;
      return await tryOnce({ ...base, cgroups }, limits);
    } catch (error) {
      refusal = messageOf(error);
    }
  }
  return tryOnce({ ...base, cgroups: undefined }, `none: ${refusal}`);
}

async function tryOnce(options: BwrapDriverOptions, limits: string): Promise<Possible> {
  const began = performance.now();
  const driver = await BwrapDriver.open(options);
  try {
    const task = await driver.run(
      {
        id: 'probe',
        taskArn: 'probe',
        vcpu: 0.25,
        memoryMb: 64,
        diskGb: 1,
        environment: {},
        internet: false,
        imageDirectory: options.runDirectory,
      },
      { version: 1, binds: [], entrypoint: ['/usr/bin/true'], environment: {} },
    );
    const { exitCode } = await task.exited;
    if (exitCode !== 0) throw new Error(`/usr/bin/true exited with ${exitCode} inside a sandbox`);
  } finally {
    await driver.close();
  }
  const tookMs = Math.round(performance.now() - began);
  const enforcesLimits = options.cgroups !== undefined;
  return { possible: true, driver: driver.name, limits, enforcesLimits, tookMs, options };
}
