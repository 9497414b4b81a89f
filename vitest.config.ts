import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/bench/**', 'node_modules/**'],
    reporters: ['default', './test/support/plain-reporter.ts'],
    // Addon workers and mounts are process-wide: files run in forks so that a crash names its file.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 180_000,
    hookTimeout: 120_000,
    // Bundles that a test made are plain JavaScript: Node loads them without the runner.
    server: { deps: { external: [/\/build\/mutants\//] } },
  },
});
