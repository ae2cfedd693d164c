/**
 * A sandbox's life from beginning to end, over one way for the events to come:
 * `node examples/scenario.ts websocket|sse|poll`. The same calls whichever way it is.
 */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { CodeInterpreter, type Way } from '@code-interpreter/sdk';

const transport = (process.argv[2] ?? 'auto') as Way | 'auto';
const client = new CodeInterpreter({ transport });

const sandbox = await client.createSandbox({ runtime: 'python', metadata: { of: 'scenario' } });
console.log('created', sandbox.status);

await sandbox.execute('answer = 6 * 7');
const { results } = await sandbox.execute('answer');
console.log('state kept:', results[0]?.data?.['text/plain']);

const code = `
import time
for word in ("first", "last"):
    print(word, flush=True)
    time.sleep(0.5)
`;
const heardAt: number[] = [];
const { stdout } = await sandbox.execute(code, {
  onStdout: () => heardAt.push(performance.now()),
});
const endedAt = performance.now();
assert.ok(endedAt - (heardAt[0] ?? endedAt) > 500, 'the first line came only with the end');
console.log('live output:', stdout.trim().replace('\n', ', '));

const bytes = randomBytes(20 * 1024 * 1024);
const sha256 = createHash('sha256').update(bytes).digest('hex');
await sandbox.uploadFile('data.bin', bytes);
const inside = await sandbox.execute(
  'import hashlib; print(hashlib.sha256(open("data.bin", "rb").read()).hexdigest())',
);
assert.equal(inside.stdout.trim(), sha256);
const back = await sandbox.downloadFile('data.bin');
assert.equal(createHash('sha256').update(back).digest('hex'), sha256);
console.log('20 MB up and down, the same SHA-256 on both sides');

const { expiresAt } = sandbox.info;
await sandbox.extend({ lifetimeMs: 600_000 });
assert.ok(sandbox.info.expiresAt > expiresAt, 'it ends no later than before');
console.log('extended');

await sandbox.terminate();
console.log('terminated', sandbox.status);
