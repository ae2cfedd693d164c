/** A local stack for the trials: `npm start` in a folder of its own, with short leases, ended with the trials. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Endpoints } from '../shared/control-port.ts';

const START = fileURLToPath(new URL('../../local/cli/start.ts', import.meta.url));
const SETTINGS = [
  'executions.LEASE_MS=1500',
  'relay.LEASE_MS=1500',
  'executions.RELAY_LIFE_MS=4000',
  'relay.RELAY_LIFE_MS=4000',
  'files.TRANSFER_LEASE_MS=1500',
  'transfer.TRANSFER_LEASE_MS=1500',
  'files.TRANSFER_WAIT_MS=4000',
];

export type Stack = Endpoints;

export async function startStack(
  progress: (line: string) => void,
): Promise<Stack & AsyncDisposable> {
  const directory = await mkdtemp(join(tmpdir(), 'verify-grants-'));
  const settings = SETTINGS.flatMap((setting) => ['--set', setting]);
  const child = spawn(
    process.execPath,
    [START, '--port', '0', '--data', directory, '--no-persist', '--pool', '2', ...settings],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const ended = once(child, 'close');
  const end = () => child.kill('SIGTERM');
  process.once('exit', end);
  const stop = async (): Promise<void> => {
    process.off('exit', end);
    end();
    await ended;
    await rm(directory, { recursive: true, force: true });
  };
  child.stderr.on('data', (text: Buffer) => progress(text.toString().trimEnd()));
  const { promise: ready, resolve } = Promise.withResolvers<true>();
  // What it prints when it is ready, and nothing before.
  child.stdout.on('data', () => resolve(true));
  if ((await Promise.race([ready, ended])) !== true) {
    await rm(directory, { recursive: true, force: true });
    throw new Error('npm start ended before it was ready');
  }
  const text = await readFile(join(directory, 'endpoints.json'), 'utf8');
  return {
    ...Endpoints.parse(JSON.parse(text)),
    [Symbol.asyncDispose]: stop,
  };
}
