/**
 * Two sets of tests: `portable` needs Node and nothing else; `debian` needs the packages that .ci/run
 * installs (compilers, other programs to run) and is named *.debian.test.ts.
 */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { FailuresReporter } from './test/support/failures-reporter.ts';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

const shared = {
  resolve: {
    alias: {
      'run-foreign/loader': path('./src/loader/index.ts'),
      'run-foreign/testkit': path('./src/testkit/index.ts'),
      'run-foreign': path('./src/index.ts'),
    },
  },
};
const test = {
  testTimeout: 60_000,
  hookTimeout: 120_000,
  pool: 'forks' as const,
  // Each start is the first one; test/support/kept-starts.ts has an environment of its own.
  env: { RUN_FOREIGN_NO_CACHE: '1' },
};

export default defineConfig({
  test: {
    reporters: ['default', new FailuresReporter()],
    projects: [
      {
        ...shared,
        test: {
          ...test,
          name: 'portable',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.debian.test.ts'],
        },
      },
      { ...shared, test: { ...test, name: 'debian', include: ['test/**/*.debian.test.ts'] } },
    ],
  },
});
