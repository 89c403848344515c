import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { registry } from '../../collector/src/metrics.ts'
import '../../collector/src/judge/heartbeat.ts'
import '../../collector/src/judge/metrics.ts'
import '../../collector/src/judge/series.ts'
import '../../collector/src/notify/metrics.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const guarantees = readFileSync(`${root}docs/guarantees.md`, 'utf8')
const collector = readFileSync(`${root}docs/collector.md`, 'utf8')

it('each test that docs/guarantees.md names is there', () => {
  const paths = [...guarantees.matchAll(/`((?:test|collector\/src)\/[^`]+)`/g)].map(([, path]) => path!)
  expect(paths.length).toBeGreaterThan(8)
  for (const path of paths) {
    const there = path.includes('*')
      ? readdirSync(root + dirname(path)).some((name) => name.endsWith('.test.ts'))
      : existsSync(root + path)
    expect(there, path).toBe(true)
  }
})

it('docs/collector.md tells every metric of ours, and none that is gone', () => {
  const section = collector.slice(collector.indexOf('**`/metrics`**'))
  const told = [...section.matchAll(/`(_[a-z_]+|callsight_\w+)`/g)].map(([, name]) =>
    name!.replace(/^_/, 'callsight_spool_'),
  )
  const names = registry.getMetricsAsArray().map(({ name }) => name)
  expect(new Set(told)).toEqual(new Set(names.filter((name) => name.startsWith('callsight_'))))
})
