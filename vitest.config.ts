import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

const project = (name: string, extra: object = {}) => ({
  extends: true as const,
  test: { name, include: [`test/${name}/**/*.test.ts`], ...extra },
});

export default defineConfig({
  test: {
    testTimeout: 20_000,
    // The default of 1 s is short for a busy machine, and for a stack in AWS.
    expect: { poll: { timeout: 10_000 } },
    // By itself vitest keeps one core free, which of two leaves one worker; tests wait more than they compute.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      project('unit'),
      // Real processes and sandboxes, on a machine that may be busy.
      project('contract', { testTimeout: 60_000 }),
      // The first test after a change waits for one synthesis after the other.
      project('infra', { testTimeout: 180_000 }),
      project('e2e', {
        testTimeout: 60_000,
        hookTimeout: 120_000,
        globalSetup: ['test/e2e/global-setup.ts'],
        // The scenarios share one stack, count its requests and end its workers: one file at a time, after all else.
        maxWorkers: 1,
        sequence: { groupOrder: 1 },
      }),
    ],
  },
});
