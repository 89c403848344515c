import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{agent,collector,dashboards}/**/src/**/*.test.ts', 'test/**/*.test.ts'],
    // A process for each file: the embedded ClickHouse takes one data folder a process, and an agent is a singleton.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
