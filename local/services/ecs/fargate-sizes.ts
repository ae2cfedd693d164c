/** The pairs of CPU and memory that Fargate sells. Pure. */
import { EcsError } from './errors.ts';

/** CPU units → memory in MiB from, to, step; the smallest size has three values of its own. */
const ranges: Readonly<Record<string, readonly [from: number, to: number, step: number]>> = {
  '256': [512, 2048, 512],
  '512': [1024, 4096, 1024],
  '1024': [2048, 8192, 1024],
  '2048': [4096, 16_384, 1024],
  '4096': [8192, 30_720, 1024],
  '8192': [16_384, 61_440, 4096],
  '16384': [32_768, 122_880, 8192],
};

/** Throws unless Fargate has this size. */
export function checkFargateSize(cpu: string, memory: string): void {
  const range = ranges[cpu];
  const memoryMb = Number(memory);
  const isSold =
    range !== undefined &&
    memoryMb >= range[0] &&
    memoryMb <= range[1] &&
    (memoryMb - range[0]) % range[2] === 0 &&
    !(cpu === '256' && memoryMb === 1536);
  if (!isSold)
    throw new EcsError(
      'InvalidParameterException',
      `No Fargate configuration exists for given values: ${cpu} CPU, ${memory} memory.`,
    );
}
