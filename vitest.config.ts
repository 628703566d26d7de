import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('.', import.meta.url));

export default defineConfig({
  resolve: { alias: { '@': root } },
  test: {
    // Most tests wait for processes, disks and servers: one worker a core keeps both busy.
    maxWorkers: '100%',
    projects: [
      {
        extends: true,
        // In the process, fast.
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**', 'test/package/**', 'test/docs/**', 'test/soak/soak.test.ts', '**/node_modules/**'],
          // Generous: a machine may be busy, and no test asserts a time.
          testTimeout: 30_000,
        },
      },
      {
        extends: true,
        // The same tests of everything that works on a store, on a real PostgreSQL.
        test: {
          name: 'postgres',
          include: [
            'test/{audit,vault,sync,rotation,validation,monitoring,server}/**/*.test.ts',
            'test/secrets-manager.test.ts',
          ],
          globalSetup: 'test/support/postgres-setup.ts',
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        // Real processes: spawned commands, killed children, full disks, the packed package.
        test: {
          name: 'processes',
          include: ['test/{e2e,package,docs}/**/*.test.ts', 'test/soak/soak.test.ts'],
          expect: { poll: { timeout: 15_000 } },
          // Processes and browsers share the machine: no test asserts a time.
          testTimeout: 400_000,
          hookTimeout: 400_000,
        },
      },
    ],
  },
});
