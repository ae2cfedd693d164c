/** Runs the programs that build images: with what they say kept for whoever asks why one failed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

export interface RunOptions {
  /** Each line that the program says, on either stream. */
  readonly onLine?: (line: string) => void;
  readonly timeoutMs?: number;
}

const LAST_LINES = 30;

/** Answers with the program's stdout; rejects, with what it said last, unless it succeeds. */
export async function run(
  command: string,
  args: readonly string[],
  { onLine, timeoutMs }: RunOptions = {},
): Promise<string> {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(timeoutMs === undefined ? {} : { timeout: timeoutMs }),
  });
  const said: string[] = [];
  const stdout: string[] = [];
  const listen = (stream: Readable, kept: string[]): void => {
    createInterface(stream).on('line', (line) => {
      onLine?.(line);
      kept.push(line);
      said.push(line);
      if (said.length > LAST_LINES) said.shift();
    });
  };
  listen(child.stdout, stdout);
  listen(child.stderr, []);
  const how = await endOf(child);
  if (how !== 0) {
    throw new Error(`${command} ${args[0] ?? ''} ended with ${how}\n${said.join('\n')}`.trim());
  }
  return stdout.join('\n').trim();
}

/** True if it ran and succeeded. */
export async function succeeds(command: string, args: readonly string[]): Promise<boolean> {
  return run(command, args, { timeoutMs: 20_000 }).then(
    () => true,
    () => false,
  );
}

/** What one program writes is what the other reads; rejects unless both succeed. */
export async function pipe(
  from: readonly [string, ...string[]],
  to: readonly [string, ...string[]],
): Promise<void> {
  const [source, ...sourceArgs] = from;
  const [sink, ...sinkArgs] = to;
  const writer = spawn(source, sourceArgs, { stdio: ['ignore', 'pipe', 'pipe'] });
  const reader = spawn(sink, sinkArgs, { stdio: [writer.stdout, 'ignore', 'pipe'] });
  let said = '';
  for (const { stderr } of [writer, reader]) {
    stderr?.on('data', (text) => {
      said = `${said}${text}`.slice(-4000);
    });
  }
  // Ours is a second end of the same pipe: closed, so that the writer learns when the reader has gone.
  writer.stdout.destroy();
  const ends = await Promise.all([endOf(writer), endOf(reader)]);
  if (ends.some((end) => end !== 0)) {
    throw new Error(`${source} | ${sink} ended with ${ends.join(' and ')}\n${said}`.trim());
  }
}

async function endOf(child: ChildProcess): Promise<number | string> {
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  return code ?? signal ?? 'nothing';
}
