import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { retentionKeys } from '../../collector/src/config/retention.ts'
import { migrations } from '../../collector/src/store/migrate.ts'
import type { Store } from '../../collector/src/store/store.ts'
import { setThresholds } from '../../collector/src/store/thresholds.ts'
import { emptyStore, insertCalls, randomCalls } from '../judge/calls.ts'

const page = readFileSync(new URL('../../docs/storage.md', import.meta.url), 'utf8')

let store: Store
let close: () => Promise<void>
beforeAll(async () => {
  ;({ store, close } = await emptyStore())
})
afterAll(() => close())

it('docs/storage.md tells every table and every life that can be changed', () => {
  const tables = migrations().flatMap(({ statements }) =>
    statements.flatMap((sql) => /^CREATE TABLE IF NOT EXISTS (\w+)/.exec(sql)?.[1] ?? []),
  )
  for (const table of [...tables, 'migrations', 'migration_locks'])
    expect(page).toMatch(new RegExp(`^\\| .*\`${table}\``, 'm'))
  for (const key of retentionKeys) expect(page).toContain(`${key}: `)
})

it('the questions of docs/storage.md are answered by the engine', async () => {
  const objectives = [{ latencyBelowUs: 300_000 }] as never
  await setThresholds(store, { objectives })
  const calls = randomCalls(1, 500, Date.now() - 600_000, Date.now())
  await insertCalls(store, calls)
  const questions = /```sql\n([\s\S]+?)```/
    .exec(page)![1]!
    .split(/;\n/)
    .filter((text) => text.trim() !== '')
  expect(questions).toHaveLength(3)
  const [exact, rough, shares] = (await Promise.all(
    questions.map((sql) =>
      store.query(
        sql.replace(/'20\d\d-\d\d-\d\d'/g, (date) => (date.includes('-11-') ? 'today() - 1' : 'today() + 1')),
      ),
    ),
  )) as { [name: string]: number }[][]
  expect(exact).toHaveLength(new Set(calls.map(({ service, operation }) => `${service} ${operation}`)).size)
  expect(rough).toHaveLength(exact!.length)
  expect(shares!.length).toBeGreaterThan(2)
  // The same order of things, each within a bucket's width of what it is.
  for (const row of rough!) {
    const true_ = exact!.find(({ service, operation }) => service === row.service && operation === row.operation)!
    expect(Math.abs(row.p95_ms! / true_.p95_ms! - 1)).toBeLessThan(0.045)
    expect(row.calls).toBe(true_.calls)
  }
  for (const { consumer, share } of shares!) {
    const own = calls.filter((call) => call.direction === 'in' && call.consumer === String(consumer))
    const weight = (some: typeof own) => some.reduce((sum, call) => sum + call.weight, 0)
    expect(share).toBeCloseTo(weight(own.filter(({ durationUs }) => durationUs < 300_000)) / weight(own), 9)
  }
})
