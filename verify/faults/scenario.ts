/**
 * What a careful client does with one sandbox: creates it, runs code with live output, leaves and resumes, moves files
 * of both sizes, terminates. What says that it may be asked again is asked again, under the same key.
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

export async function walk(client: CodeInterpreter): Promise<Walk> {
  let repeats = 0;
  const again = async <T>(call: () => Promise<T>): Promise<T> => {
    for (let tries = 1; ; tries++) {
      try {
        return await call();
      } catch (error) {
        if (!mayRepeat(error) || tries === TRIES) throw error;
        repeats += 1;
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * tries));
      }
    }
  };
  const key = randomUUID();
  const sandbox = await again(() =>
    client.createSandbox({ runtime: 'python', idempotencyKey: key }),
  );
  const runKey = randomUUID();
  const run = () => sandbox.run(CODE, { idempotencyKey: runKey });
  await again(() => read(run(), 5));
  // Whoever left comes back under the same key, and reads all of it.
  expectWhole(await again(() => read(run(), Infinity)));
  for (const bytes of [SMALL, LARGE]) {
    await again(() => sandbox.files.write('file.bin', bytes));
    const back = await again(() => sandbox.files.read('file.bin'));
    if (Buffer.compare(back, bytes) !== 0) throw new Broken('a file came back as another');
  }
  await again(() => sandbox.terminate());
  return { sandbox, repeats };
}

async function read(events: AsyncIterable<Event>, atMost: number): Promise<Event[]> {
  const seen: Event[] = [];
  for await (const event of events) {
    seen.push(event);
    if (seen.length >= atMost) break;
  }
  return seen;
}

function expectWhole(events: readonly Event[]): void {
  const seqs = events.map(({ seq }) => seq);
  if (seqs.some((seq, index) => seq !== index + 1))
    throw new Broken(`output was lost or doubled: seq ${seqs.join(' ')}`);
  const printed = events.map((event) => (event.type === 'stdout' ? event.text : '')).join('');
  if (printed !== PRINTED) throw new Broken('the output is not what was printed');
  const last = events.at(-1);
  if (last?.type !== 'finished' || last.outcome !== 'ok')
    throw new Broken(`the run ended as ${JSON.stringify(last)}`);
}

const mayRepeat = (error: unknown): boolean =>
  error instanceof CodeInterpreterError && error.retryable;
