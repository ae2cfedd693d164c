import { defineConfig } from 'vitest/config';

const project = (name: string, extra: object = {}) => ({
  extends: true as const,
  test: { name, include: [`test/${name}/**/*.test.ts`], ...extra },
});

export default defineConfig({
  test: {
    testTimeout: 20_000,
    projects: [
      project('unit'),
      project('contract'),
      project('infra', { testTimeout: 60_000 }),
      project('e2e', {
        testTimeout: 60_000,
        hookTimeout: 120_000,
        globalSetup: ['test/e2e/global-setup.ts'],
      }),
    ],
  },
});
