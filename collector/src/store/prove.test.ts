import { describe, expect, it } from 'vitest'
import { findingsText, settingFindings } from './prove.ts'
import { type StoredTable, windowFindings } from './window.ts'

const free = { min: null, max: null, readonly: 0 }

describe('settings of the server', () => {
  it('may have other defaults where inserts say what they need', () => {
    expect(
      settingFindings([
        { name: 'async_insert', value: '1', ...free },
        { name: 'deduplicate_blocks_in_dependent_materialized_views', value: '0', ...free },
        { name: 'insert_deduplicate', value: '0', ...free },
        { name: 'readonly', value: '0', ...free },
      ]),
    ).toEqual([])
  })

  it('must not be fixed at, or bounded to, what breaks exactly-once', () => {
    const findings = settingFindings([
      { name: 'async_insert', value: '1', ...free, readonly: 1 },
      { name: 'deduplicate_blocks_in_dependent_materialized_views', value: '0', ...free, max: '0' },
      { name: 'insert_deduplicate', value: '0', ...free, readonly: 1 },
      { name: 'readonly', value: '2', ...free },
    ])
    expect(findingsText(findings)).toBe(`  setting async_insert: is 1 for our user, not 0.
    Set async_insert = 0 in the profile of the collector's user, or drop the constraint on it.
  setting deduplicate_blocks_in_dependent_materialized_views: is 0 for our user, not 1.
    Set deduplicate_blocks_in_dependent_materialized_views = 1 in the profile of the collector's user, or drop the constraint on it.
  setting insert_deduplicate: is 0 for our user, not 1.
    Set insert_deduplicate = 1 in the profile of the collector's user, or drop the constraint on it.
  setting readonly: is 2 for our user, not 0.
    Give the collector a user that may write.`)
  })
})

const calls: StoredTable = {
  name: 'calls',
  engine: 'ReplicatedMergeTree',
  ddl: '',
  readers: ['calls_1m_feed'],
  target: '',
  blocks: 10_000,
  seconds: 7 * 24 * 3600,
}

describe('the window of a table on a cluster', () => {
  const ours = new Set(['calls'])

  it('is asked for in blocks and in seconds', () => {
    expect(windowFindings([calls], ours)).toEqual([])
    expect(
      findingsText(windowFindings([{ ...calls, seconds: 3600 }], ours)),
    ).toBe(`  table calls: it forgets blocks after 3600 s, and the spool may keep one for 604800 s (the view calls_1m_feed reads it).
    ALTER TABLE calls MODIFY SETTING replicated_deduplication_window_seconds = 604800.`)
    expect(
      findingsText(windowFindings([{ ...calls, engine: 'SharedMergeTree', blocks: 100 }], ours)),
    ).toBe(`  table calls: it remembers 100 blocks, so a repeated insert may count twice (replicated_deduplication_window; the view calls_1m_feed reads it).
    ALTER TABLE calls MODIFY SETTING replicated_deduplication_window = 10000.`)
  })
})
