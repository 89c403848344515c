import { expect, test } from 'vitest'
import { chaos } from './chaos.ts'
import { report } from './report.ts'

/** The short form of `npm run chaos`, which kills a hundred times. */
test('ten kills and more: what was acknowledged is stored once, in every table', async () => {
  const seed = Date.now() % 1_000_000
  const outcome = await chaos({ kills: 10, seconds: 8, seed, without: new Set(), keep: false }, () => {})
  expect(outcome.differences, report(outcome)).toEqual([])
  expect(outcome.collector.kills).toBeGreaterThanOrEqual(10)
  if (!outcome.disk) console.log('The full disk was left out: nothing can be mounted here.')
}, 1_500_000)
