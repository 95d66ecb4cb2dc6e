import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    reporters: ['default', './test/support/closing-line.ts'],
    projects: [
      {
        test: {
          name: 'fast',
          // One realm for a worker's files halves the CPU time; no test here changes what another one reads.
          isolate: false,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
          include: ['test/**/*.test.ts'],
          exclude: ['test/synapse/**', 'test/faults/**', 'test/operator/**'],
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'faults',
          include: ['test/faults/**/*.test.ts'],
          sequence: { groupOrder: 1 },
          hookTimeout: 180_000,
        },
      },
      {
        test: {
          name: 'operator',
          include: ['test/operator/**/*.test.ts'],
          // Alone: some of it looks at how long proxies and clients take.
          sequence: { groupOrder: 3 },
          globalSetup: ['./test/support/operator-setup.ts'],
          testTimeout: 60_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          name: 'synapse',
          include: ['test/synapse/**/*.test.ts'],
          sequence: { groupOrder: 2 },
          globalSetup: ['./test/support/synapse/synapse-setup.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
