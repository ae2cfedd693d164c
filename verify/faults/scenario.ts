/**
 * What a careful client does: runs code in a sandbox of its own; then creates one, runs code with live output, leaves and
 * resumes, starts a process, reads and kills it, moves files of both sizes, terminates. What says that it may be asked
 * again is asked again, under the same key.
 */
import { randomUUID } from 'node:crypto';
import {
  type CodeInterpreter,
  CodeInterpreterError,
  type Event,
  type Sandbox,
} from '../../sdk/typescript/src/index.ts';

const LINES = 30;
const CODE = `
import time
for n in range(${LINES}):
    print(n, flush=True)
    time.sleep(0.01)
`;
const PRINTED = Array.from({ length: LINES }, (_, n) => `${n}\n`).join('');
const TRIES = 6;
const PAUSE_MS = 250;
const SMALL = new TextEncoder().encode('small');
/** Beyond what goes through the API: by way of the bucket. */
const LARGE = new Uint8Array(5 * 1024 * 1024).fill(7);

export interface Walk {
  readonly sandbox: Sandbox;
  /** Calls that were made again. */
  readonly repeats: number;
}

export class Broken extends Error {
  override readonly name = 'Broken';
}

type Again = <T>(
  call: () => Promise<T>,
  repeatable?: (error: CodeInterpreterError) => boolean,
) => Promise<T>;

export async function walk(client: CodeInterpreter): Promise<Walk> {
  let repeats = 0;
  const again: Again = async (call, repeatable = ({ retryable }) => retryable) => {
    for (let tries = 1; ; tries++) {
      try {
        return await call();
      } catch (error) {
        const mayRepeat = error instanceof CodeInterpreterError && repeatable(error);
        if (!mayRepeat || tries === TRIES) throw error;
        repeats += 1;
        await pause(PAUSE_MS * tries);
      }
    }
  };
  await runOnce(client, again);
  const key = randomUUID();
  const sandbox = await again(() =>
    client.createSandbox({ runtime: 'python', idempotencyKey: key }),
  );
  const runKey = randomUUID();
  const run = () => sandbox.run(CODE, { idempotencyKey: runKey });
  await again(() => read(run(), 5));
  // Whoever left comes back under the same key, and reads all of it.
  expectWhole(await again(() => read(run(), Infinity)), { printed: PRINTED, outcome: 'ok' });
  await startAndKill(sandbox, again);
  for (const bytes of [SMALL, LARGE]) {
    await again(() => sandbox.files.write('file.bin', bytes));
    const back = await again(() => sandbox.files.read('file.bin'));
    if (Buffer.compare(back, bytes) !== 0) throw new Broken('a file came back as another');
  }
  await again(() => sandbox.terminate());
  return { sandbox, repeats };
}

/** In a sandbox that is there for this alone, and gone afterwards. */
async function runOnce(client: CodeInterpreter, again: Again): Promise<void> {
  let idempotencyKey = randomUUID();
  const { stdout, outcome, files, missing } = await again(
    () =>
      client
        .runOnce({
          language: 'python',
          code: 'open("out", "w").write("left"); print("ran")',
          outputFiles: ['out'],
          timeoutMs: 5_000,
          idempotencyKey,
        })
        .catch((error: unknown) => {
          if (error instanceof CodeInterpreterError && hasNotRun(error))
            idempotencyKey = randomUUID();
          throw error;
        }),
    (error) => error.retryable || hasNotRun(error),
  );
  if (stdout !== 'ran\n' || outcome !== 'ok')
    throw new Broken(`what ran once ended as ${outcome} and printed ${JSON.stringify(stdout)}`);
  // A repeat may come when its sandbox has ended, and is told so.
  const left = files['out'] && Buffer.from(files['out']).toString();
  if (left === undefined ? missing['out'] === undefined : left !== 'left')
    throw new Broken(`what ran once left ${left}`);
  // Where its end could not be asked for it expires, within the trial; the tenant has no slot until then.
  while (!(await again(() => hasNoSandbox(client)))) await pause(PAUSE_MS);
}

/** As such an error says, the code has not run, and may be given again under another key. */
const hasNotRun = ({ code }: CodeInterpreterError): boolean =>
  code === 'SANDBOX_GONE' || code === 'CAPACITY_UNAVAILABLE';

async function hasNoSandbox(client: CodeInterpreter): Promise<boolean> {
  for await (const { status } of client.listSandboxes())
    if (status !== 'stopped' && status !== 'failed') return false;
  return true;
}

async function startAndKill({ processes }: Sandbox, again: Again): Promise<void> {
  const idempotencyKey = randomUUID();
  const process = await again(() =>
    processes.start('echo begun; exec sleep 600', { idempotencyKey }),
  );
  await again(() => read(process.events(), 2));
  await again(() => process.kill());
  const events = await again(() => read(process.events(), Infinity));
  expectWhole(events, { printed: 'begun\n', outcome: 'killed' });
}

async function read(events: AsyncIterable<Event>, atMost: number): Promise<Event[]> {
  const seen: Event[] = [];
  for await (const event of events) {
    seen.push(event);
    if (seen.length >= atMost) break;
  }
  return seen;
}

function expectWhole(
  events: readonly Event[],
  wanted: { readonly printed: string; readonly outcome: 'ok' | 'killed' },
): void {
  const seqs = events.map(({ seq }) => seq);
  if (seqs.some((seq, index) => seq !== index + 1))
    throw new Broken(`output was lost or doubled: seq ${seqs.join(' ')}`);
  const printed = events.map((event) => (event.type === 'stdout' ? event.text : '')).join('');
  if (printed !== wanted.printed) throw new Broken('the output is not what was printed');
  const last = events.at(-1);
  if (last?.type !== 'finished' || last.outcome !== wanted.outcome)
    throw new Broken(`the run ended as ${JSON.stringify(last)}`);
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
