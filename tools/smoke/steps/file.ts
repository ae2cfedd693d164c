/** A file goes up and comes down again by presigned URLs, with the same SHA-256 on every side. */
import { createHash, randomBytes } from 'node:crypto';
import { Problem } from '../../shared/problem.ts';
import { type Step, sandboxOf, seconds } from '../step.ts';

/** Above 4 MB, so that it goes through the bucket. */
const SIZE_BYTES = 5 * 1024 * 1024;
const HASH = `
import hashlib
print(hashlib.sha256(open("smoke.bin", "rb").read()).hexdigest())
`;

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

export const file: Step = {
  name: 'file',
  run: async (run) => {
    const sandbox = sandboxOf(run);
    const bytes = randomBytes(SIZE_BYTES);
    const begunAt = performance.now();
    await sandbox.uploadFile('smoke.bin', bytes);
    const upAt = performance.now();
    const inside = (await sandbox.execute(HASH, { signal: run.signal })).stdout.trim();
    const askedAt = performance.now();
    const back = sha256(await sandbox.downloadFile('smoke.bin'));
    const downAt = performance.now();
    const sent = sha256(bytes);
    if (inside !== sent || back !== sent)
      throw new Problem(`the file changed: sent ${sent}, inside ${inside}, back ${back}`);
    return `5 MiB up in ${seconds(upAt - begunAt)}, down in ${seconds(downAt - askedAt)}, SHA-256 equal`;
  },
};
