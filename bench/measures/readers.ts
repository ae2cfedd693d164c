/**
 * Many readers of one execution over the WebSocket, one of them far too slow: how late the others hear what was
 * printed, and what the relay holds meanwhile. Every reader must get every event, in order.
 */
import type { Event } from '../../contract/events.ts';
import { ExecutionSummary } from '../../contract/rest/executions.ts';
import { readAnswer } from '../../sdk/typescript/src/transport/http.ts';
import { type Bench, type Measure, warmSandbox } from '../measure.ts';
import { SocketReader } from '../socket-reader.ts';
import { BenchError } from '../target.ts';
import { fullestBusyMib } from '../workers.ts';

const READERS = 100;
const SLOW_BYTES_PER_SECOND = 1024;
const AT_ONCE = 4;
const LINES = 150;
const LINE_BYTES = 2_000;
const EVERY_MS = 100;
const SAMPLE_MS = 250;
const CODE = `
import time
for _ in range(${LINES}):
    print(f"{time.time() * 1000:.3f} ".ljust(${LINE_BYTES - 1}, "x"), flush=True)
    time.sleep(${EVERY_MS / 1000})
`;

export const readers: Measure = {
  name: 'readers',
  summary: `${READERS} WebSocket readers of one execution, one of them at ${SLOW_BYTES_PER_SECOND} bytes a second`,
  runs: 1,
  run: async (bench) => {
    const { control } = bench.target;
    const alone = await readTogether(bench, 1);
    const delays: number[] = [];
    const lags: number[] = [];
    const held: number[] = [];
    for (let run = 0; run < bench.runs; run += 1) {
      const result = await readTogether(bench, READERS);
      delays.push(...result.delays);
      lags.push(result.slowLag);
      held.push(...result.heldMib);
    }
    const print = `${LINES} prints of ${LINE_BYTES} bytes, ${EVERY_MS} ms apart`;
    return [
      { name: 'readers: one alone', unit: 'ms', samples: alone.delays, note: print },
      { name: `readers: ${READERS - 1} beside a slow one`, unit: 'ms', samples: delays },
      { name: 'readers: slow one is behind', unit: 'events', samples: lags, note: 'at the end' },
      ...(control === undefined
        ? []
        : [
            { name: 'relay with one', unit: 'MiB' as const, samples: alone.heldMib },
            {
              name: `relay with ${READERS}`,
              unit: 'MiB' as const,
              samples: held,
              note: 'heap and buffers of its worker, sampled',
            },
          ]),
    ];
  },
};

interface Reading {
  /** From a print to its arrival, over all readers but the slow one. */
  readonly delays: number[];
  readonly slowLag: number;
  readonly heldMib: number[];
}

/** With more than one reader the last of them is the slow one. */
async function readTogether(bench: Bench, count: number): Promise<Reading> {
  const { apiKey, websocketUrl: url } = bench.target;
  if (url === undefined)
    throw new BenchError('the deployment names no WebSocket: pass --websocket-url');
  await using sandbox = await warmSandbox(bench);
  using sockets = new DisposableStack();
  const delays: number[] = [];
  const onEvent = (event: Event) => delays.push(...delaysOf(event));
  const connect = async (options: { onEvent: (event: Event) => void; bytesPerSecond?: number }) => {
    const reader = sockets.use(await SocketReader.connect({ url, apiKey, ...options }));
    await reader.watch(sandbox.id);
    return reader;
  };
  const slow =
    count === 1
      ? undefined
      : await connect({ onEvent: () => {}, bytesPerSecond: SLOW_BYTES_PER_SECOND });
  const quick: SocketReader[] = [];
  while (quick.length < (slow === undefined ? count : count - 1)) {
    const wanted = Math.min(AT_ONCE, count - quick.length - (slow === undefined ? 0 : 1));
    quick.push(...(await Promise.all(Array.from({ length: wanted }, () => connect({ onEvent })))));
  }
  await start(bench, sandbox.id);
  const done = Promise.all(quick.map((reader) => reader.completed));
  const heldMib = await sampleRelay(bench, done);
  const [lastSeq = 0] = await done;
  return { delays, heldMib, slowLag: slow === undefined ? 0 : lastSeq - slow.seq };
}

/** Each line begins with the time of its print. */
function delaysOf(event: Event): number[] {
  if (event.type !== 'stdout') return [];
  const now = Date.now();
  return (event.text ?? '')
    .split('\n')
    .filter((line) => /^\d+\.\d{3} /.test(line))
    .map((line) => now - Number.parseFloat(line));
}

async function start({ target, signal }: Bench, sandboxId: string): Promise<void> {
  const response = await fetch(`${target.baseUrl}/sandboxes/${sandboxId}/execute`, {
    method: 'POST',
    headers: {
      'X-API-Key': target.apiKey,
      'Content-Type': 'application/json',
      Prefer: 'respond-async',
    },
    body: JSON.stringify({ code: CODE, timeoutMs: 2 * LINES * EVERY_MS }),
    signal,
  });
  await readAnswer('executeCode', response, ExecutionSummary);
}

/** Until it is done. The function that started the run is its relay, or `relay` has taken over. */
async function sampleRelay({ target, signal }: Bench, done: Promise<unknown>): Promise<number[]> {
  const { control } = target;
  const samples: number[] = [];
  let isDone = false;
  const end = done.finally(() => {
    isDone = true;
  });
  while (!isDone) {
    signal.throwIfAborted();
    const mib = control && (await fullestBusyMib(control, ['executions', 'relay']));
    if (mib !== undefined) samples.push(mib);
    await Promise.race([end, new Promise((resolve) => setTimeout(resolve, SAMPLE_MS))]);
  }
  return samples;
}
