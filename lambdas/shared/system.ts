/** Time, chance and hashing for the functions: the only place where they touch the machine. */
import { createHash, randomBytes, randomInt, randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import {
  ContextId,
  DownloadId,
  ExecutionId,
  KeyId,
  LaunchId,
  SandboxId,
  TenantId,
  UploadId,
} from '../../contract/ids.ts';
import type { Clock, Digest, Ids } from '../../core/ports.ts';

export const clock: Clock = {
  nowMs: () => Date.now(),
  iso: (ms) => new Date(ms).toISOString(),
  msOf: (iso) => Date.parse(iso),
  async sleep(ms, signal) {
    try {
      await wait(Math.max(0, ms), undefined, signal ? { signal } : {});
    } catch {
      // Aborted: waking early is what the signal asks for.
    }
  },
};

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';
const tail = () => Array.from({ length: 20 }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');

export const ids: Ids = {
  sandbox: () => SandboxId.parse(`sb${tail()}`),
  execution: () => ExecutionId.parse(`ex${tail()}`),
  context: () => ContextId.parse(`cx${tail()}`),
  tenant: () => TenantId.parse(`tn${tail()}`),
  key: () => KeyId.parse(`ky${tail()}`),
  launch: () => LaunchId.parse(`ln${tail()}`),
  upload: () => UploadId.parse(`up${tail()}`),
  download: () => DownloadId.parse(`dl${tail()}`),
  token: () => randomBytes(32).toString('hex'),
  apiKey: () => `ci_${randomBytes(20).toString('hex')}`,
  ticket: () => `ct_${randomBytes(20).toString('hex')}`,
  owner: () => randomUUID(),
  shuffle(items) {
    const copy = [...items];
    for (let at = copy.length - 1; at > 0; at--) {
      const other = randomInt(at + 1);
      [copy[at], copy[other]] = [copy[other], copy[at]] as [(typeof copy)[0], (typeof copy)[0]];
    }
    return copy;
  },
  jitter: (maxMs) => Math.random() * maxMs,
};

export const digest: Digest = {
  sha256: (text) => createHash('sha256').update(text, 'utf8').digest('hex'),
};
