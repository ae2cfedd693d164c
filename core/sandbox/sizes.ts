/**
 * The sizes that Fargate sells, and the smallest that holds what was asked for.
 * Source: Amazon ECS developer guide, "Task definition parameters for Fargate", task size.
 */
import { LIMITS } from '../../contract/limits.ts';
import type { Resources } from '../../contract/rest/sandboxes.ts';

export interface Size {
  /** In vCPU: 0.25 to 16. */
  readonly cpu: number;
  readonly memoryMb: number;
  readonly diskGb: number;
}

interface Offer {
  readonly cpu: number;
  readonly from: number;
  readonly to: number;
  readonly step: number;
}

const OFFERS: readonly Offer[] = [
  { cpu: 0.25, from: 512, to: 1024, step: 512 },
  { cpu: 0.25, from: 2048, to: 2048, step: 1024 },
  { cpu: 0.5, from: 1024, to: 4096, step: 1024 },
  { cpu: 1, from: 2048, to: 8192, step: 1024 },
  { cpu: 2, from: 4096, to: 16_384, step: 1024 },
  { cpu: 4, from: 8192, to: 30_720, step: 1024 },
  { cpu: 8, from: 16_384, to: 61_440, step: 4096 },
  { cpu: 16, from: 32_768, to: 122_880, step: 8192 },
];

export const DEFAULT_SIZE: Size = {
  cpu: LIMITS.cpu.default,
  memoryMb: LIMITS.memoryMb.default,
  diskGb: LIMITS.diskGb.default,
};

/** Neither is ever less than what was asked for; CPU is not raised for memory while less would do. */
export function sizeFor(asked: Resources | undefined): Size {
  const cpu = asked?.cpu ?? DEFAULT_SIZE.cpu;
  const memoryMb = asked?.memoryMb ?? DEFAULT_SIZE.memoryMb;
  const offer = OFFERS.find((each) => each.cpu >= cpu && each.to >= memoryMb);
  if (!offer) throw new Error(`no size holds ${cpu} vCPU and ${memoryMb} MB`);
  const steps = Math.max(0, Math.ceil((memoryMb - offer.from) / offer.step));
  return {
    cpu: offer.cpu,
    memoryMb: offer.from + steps * offer.step,
    diskGb: asked?.diskGb ?? DEFAULT_SIZE.diskGb,
  };
}
