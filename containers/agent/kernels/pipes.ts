/**
 * The pipes on fd 1 and 2 of a kernel. Named pipes and not what `spawn` makes, which are sockets:
 * `echo > /dev/stderr` must work for any user. The names are gone before any user code runs.
 */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { constants, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const READ_BYTES = 64 * 1024;

export interface OutputPipe {
  readonly reader: Socket;
  /** Gets what was read, in memory that the next read overwrites. */
  onChunk: (bytes: Buffer) => void;
  /** The kernel's end: to be closed here once the kernel has it. */
  readonly writerFd: number;
}

export async function openOutputPipes(directory: string): Promise<[OutputPipe, OutputPipe]> {
  const id = randomUUID();
  const first = join(directory, `pipe-${id}-1`);
  const second = join(directory, `pipe-${id}-2`);
  try {
    // Others may write, but reach it through /proc/self/fd only: the directory is closed to them.
    await run('mkfifo', ['-m', '622', first, second], { env: { PATH: '/usr/bin:/bin' } });
    return [openPipe(first), openPipe(second)];
  } finally {
    rmSync(first, { force: true });
    rmSync(second, { force: true });
  }
}

/** Opening a pipe never waits here: the read end is non-blocking and there before the write end. */
function openPipe(path: string): OutputPipe {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  // One buffer for all reads: a new one for each would be a gigabyte of garbage for code that
  // prints a gigabyte.
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  const onread = {
    buffer,
    callback: (length: number) => {
      pipe.onChunk(buffer.subarray(0, length));
      return true;
    },
  };
  const reader = new Socket({ fd, readable: true, writable: false, onread });
  const pipe: OutputPipe = {
    reader,
    onChunk: () => undefined,
    writerFd: openSync(path, constants.O_WRONLY),
  };
  return pipe;
}
