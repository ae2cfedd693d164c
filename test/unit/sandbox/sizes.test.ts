/** Sizes against the table that Fargate sells, written out pair by pair as its documentation has it. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LIMITS } from '../../../contract/limits.ts';
import { CreateSandboxBody } from '../../../contract/rest/sandboxes.ts';
import { sizeFor } from '../../../core/sandbox/sizes.ts';

const GB = 1024;
const from = (first: number, last: number, step: number) =>
  Array.from({ length: (last - first) / step + 1 }, (_, n) => (first + n * step) * GB);
/** vCPU → MB. */
const SOLD = new Map([
  [0.25, [512, 1 * GB, 2 * GB]],
  [0.5, from(1, 4, 1)],
  [1, from(2, 8, 1)],
  [2, from(4, 16, 1)],
  [4, from(8, 30, 1)],
  [8, from(16, 60, 4)],
  [16, from(32, 120, 8)],
]);

const asked = fc.record(
  {
    cpu: fc.double({ min: 0, minExcluded: true, max: LIMITS.cpu.max, noNaN: true }),
    memoryMb: fc.integer({ min: 1, max: LIMITS.memoryMb.max }),
    diskGb: fc.oneof(fc.constant(20), fc.integer({ min: 21, max: 200 })),
  },
  { requiredKeys: [] },
);

test('whatever may be asked for gets the smallest CPU that holds it, and of that the least memory', () => {
  fc.assert(
    fc.property(asked, (resources) => {
      expect(CreateSandboxBody.parse({ runtime: 'python', resources })).toBeDefined();
      const { cpu, memoryMb, diskGb } = { cpu: 1, memoryMb: 2048, diskGb: 20, ...resources };
      const [best] = [...SOLD].flatMap(([vcpu, memories]) => {
        const enough = memories.find((each) => each >= memoryMb);
        return vcpu >= cpu && enough !== undefined ? [{ cpu: vcpu, memoryMb: enough }] : [];
      });
      expect(sizeFor(resources)).toEqual({ ...best, diskGb });
    }),
    { numRuns: 1000 },
  );
});

test('every pair that is sold within the limits is got as it is', () => {
  for (const [cpu, memories] of SOLD)
    for (const memoryMb of memories.filter((each) => each <= LIMITS.memoryMb.max))
      expect(sizeFor({ cpu, memoryMb })).toMatchObject({ cpu, memoryMb });
});

test('without a wish it is the default', () => {
  expect(sizeFor(undefined)).toEqual({ cpu: 1, memoryMb: 2048, diskGb: 20 });
});
