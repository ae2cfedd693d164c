/**
 * `npm run doctor`: says what this machine can isolate, and what to do where it cannot.
 * Changes nothing; the sandbox that it starts is gone when it answers.
 */
import { accessSync, constants, existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ProbeResult, probe } from '../sandboxes/probe.ts';
import { describeRuntimes } from './runtimes.ts';
import { installCommand, REQUIRED } from './setup.ts';

interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  /** Where it says so, `npm start` works without. */
  readonly optional?: boolean;
}

const NODE_MAJOR = 24;
const NETWORK_DEVICE = '/dev/net/tun';

function checkMachine(): Check[] {
  const isLinux = process.platform === 'linux';
  const isRecent = Number(process.versions.node.split('.')[0]) >= NODE_MAJOR;
  return [
    {
      name: 'Linux',
      ok: isLinux,
      detail: isLinux ? process.arch : `${process.platform}: sandboxes need a Linux kernel`,
    },
    {
      name: 'node',
      ok: isRecent,
      detail: `${process.version}${isRecent ? '' : `: ${NODE_MAJOR} is needed; run \`npm ci\`, which brings it`}`,
    },
  ];
}

function checkPackages(): Check[] {
  return Object.entries(REQUIRED).map(([name, paths]) => {
    const found = paths.find((path) => existsSync(path));
    return { name, ok: found !== undefined, detail: found ?? installCommand([name]) };
  });
}

function checkNetwork(): Check {
  try {
    accessSync(NETWORK_DEVICE, constants.R_OK | constants.W_OK);
    return { name: 'network', ok: true, detail: `${NETWORK_DEVICE} can be opened` };
  } catch {
    const detail = `${NETWORK_DEVICE} cannot be opened: sandboxes with internet do not start (as root: chmod 0666 ${NETWORK_DEVICE})`;
    return { name: 'network', ok: false, detail, optional: true };
  }
}

function checkIsolation(result: ProbeResult): Check[] {
  if (!result.possible) {
    return [{ name: 'isolation', ok: false, detail: `${result.reason}\n  ${result.remedy}` }];
  }
  return [
    { name: 'isolation', ok: true, detail: `${result.driver}, tried in ${result.tookMs} ms` },
    { name: 'limits', ok: result.enforcesLimits, detail: result.limits, optional: true },
  ];
}

async function tryIsolation(): Promise<ProbeResult> {
  const runDirectory = await mkdtemp(join(tmpdir(), 'doctor-'));
  try {
    return await probe({ runDirectory, log: console.error });
  } finally {
    await rm(runDirectory, { recursive: true, force: true });
  }
}

const checks = [
  ...checkMachine(),
  ...checkPackages(),
  ...checkIsolation(await tryIsolation()),
  checkNetwork(),
  { name: 'runtimes', ok: true, detail: await describeRuntimes('auto') },
];
for (const { name, ok, detail, optional } of checks) {
  const mark = ok ? 'ok' : optional ? 'limited' : 'missing';
  console.log(`${mark.padEnd(8)} ${name.padEnd(19)} ${detail}`);
}
const broken = checks.filter(({ ok, optional }) => !ok && !optional);
console.log(
  broken.length === 0
    ? 'This machine can run sandboxes.'
    : `Not ready: ${broken.map(({ name }) => name).join(', ')}.`,
);
process.exitCode = broken.length === 0 ? 0 : 1;
