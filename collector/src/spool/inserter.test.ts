import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ClickHouseError } from '@clickhouse/client'
import pino from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../../../test/until.ts'
import type { Part } from '../store/store.ts'
import type { Block, WrittenTable } from './block.ts'
import type { Source } from './file.ts'
import { Inserter } from './inserter.ts'
import { Spool } from './spool.ts'
import { SegmentWriter } from './writer.ts'

const log = pino({ level: 'silent' })
let data: string
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'callsight-spool-'))
})
afterEach(() => rmSync(data, { recursive: true, force: true }))

interface Row {
  n: number
  bad?: boolean
}

/**
 * A store that keeps what it is given once per token, as the engine does, and fails as it is told. A view that refuses
 * fails after the table has its rows, as the engine's does.
 */
function faultyStore() {
  const tables = new Map<string, Row[]>()
  const tokens: string[] = []
  const store = {
    fail: (_table: WrittenTable, _rows: Row[]): 'before' | 'lost' | 'refuse' | 'view' | undefined => undefined,
    async insertBlocks(table: WrittenTable, source: Source, token: string, part?: Part) {
      const rows = read(source, part)
      const fail = store.fail(table, rows)
      if (fail === 'before') throw new Error('ECONNREFUSED')
      if (fail === 'refuse') throw refusal('Cannot parse input')
      if (!tokens.includes(token)) {
        tokens.push(token)
        tables.set(table, [...(tables.get(table) ?? []), ...rows])
      }
      if (fail === 'lost') throw new Error('socket hang up')
      if (fail === 'view') throw refusal('Value passed to throwIf: while pushing to view calls_1m_feed')
    },
    async readBlocks(_table: WrittenTable, source: Source, part?: Part) {
      return read(source, part)
        .map((row) => `${JSON.stringify(row)}\n`)
        .join('')
    },
  }
  const numbers = (table = 'calls') => (tables.get(table) ?? []).map(({ n }) => n).sort((a, b) => a - b)
  return { store, tokens, numbers }
}

function read(source: Source, part?: Part): Row[] {
  const rows = readFileSync(source.path, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Row)
  return part === undefined ? rows : rows.slice(part.offset, part.offset + part.limit)
}

const refusal = (message: string) => new ClickHouseError({ message, code: '27', type: 'CANNOT_PARSE' })

function block(rows: Row[], table: WrittenTable = 'calls'): Block {
  const bytes = Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
  return { table, format: 'JSONEachRow', structure: 'n, bad', rows: rows.length, bytes }
}

let keys = 0
/** A segment of these frames, written as a decode thread writes it. */
function segment(spool: Spool, frames: Block[][], at = Date.now()) {
  const writer = new SegmentWriter(spool.folder, 't')
  for (const blocks of frames) writer.append([`key-${++keys}`], blocks, at)
  spool.closedBy('t', writer.close())
}

const quick = { refusals: 1, refusedMs: 0, viewRefusedMs: 0, refusedPauseMs: 20, insertPauseMs: 20 }
function inserterOf(spool: Spool, store: object, bounds = quick) {
  return new Inserter({ spool, store: store as never, log, closeOlder: () => undefined, bounds })
}
const done = (spool: Spool) => until('an empty spool', () => spool.state().segments === 0)
const deadLetters = (spool: Spool) => {
  const folder = join(spool.folder, 'dead-letter')
  return Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]))
}

describe('the inserter', () => {
  it('inserts a segment with one insert for each table, then knows its requests, then lets it go', async () => {
    const spool = await Spool.open(data, log)
    const { store, tokens, numbers } = faultyStore()
    segment(spool, [[block([{ n: 1 }]), block([{ n: 7 }], 'spans')], [block([{ n: 2 }, { n: 3 }])]])
    const [{ id } = { id: '' }] = spool.closed
    expect(spool.state()).toMatchObject({ segments: 1, rows: 4, writable: true, deadLetters: 0 })
    const inserter = inserterOf(spool, store)
    await done(spool)
    await inserter.stop()
    expect([numbers(), numbers('spans'), tokens]).toEqual([[1, 2, 3], [7], [`${id}-spans`, `${id}-calls`]])
    expect(readdirSync(join(spool.folder, 'done'))).toEqual([`${id}.segment`])
    expect(readdirSync(join(spool.folder, 'insert'))).toEqual([])
    expect(spool.takeKnown().map(([key]) => key)).toEqual([`key-${keys - 1}`, `key-${keys}`])
    expect(spool.state()).toMatchObject({ segments: 0, rows: 0, bytes: 0, oldestMs: 0 })
  })

  it('repeats what fails under the same token: a lost answer counts nothing twice', async () => {
    const spool = await Spool.open(data, log)
    const { store, tokens, numbers } = faultyStore()
    const failures = ['before', 'lost', 'lost', 'before'] as const
    let attempts = 0
    store.fail = (table) => (table === 'calls' ? failures[attempts++] : undefined)
    segment(spool, [[block([{ n: 1 }]), block([{ n: 7 }], 'spans')]])
    const inserter = inserterOf(spool, store)
    await done(spool)
    await inserter.stop()
    expect([numbers(), numbers('spans'), tokens.length, attempts]).toEqual([[1], [7], 2, 5])
  })

  it('lets a segment go only when its requests are in the ledger', async () => {
    const spool = await Spool.open(data, log)
    const { store, tokens, numbers } = faultyStore()
    // A ledger that cannot be written.
    mkdirSync(join(spool.folder, 'ledger'))
    segment(spool, [[block([{ n: 1 }])]])
    const inserter = inserterOf(spool, store)
    await until('the insert', () => tokens.length === 1)
    expect(spool.closed).toHaveLength(1)
    expect(readdirSync(join(spool.folder, 'done'))).toEqual([])
    rmdirSync(join(spool.folder, 'ledger'))
    await done(spool)
    await inserter.stop()
    expect([numbers(), tokens.length]).toEqual([[1], 1])
    expect(spool.takeKnown().map(([key]) => key)).toEqual([`key-${keys}`])
  })

  it('sets nothing aside while everything is refused, as by a failing view, and has each row once afterwards', async () => {
    const spool = await Spool.open(data, log)
    const { store, numbers } = faultyStore()
    let refusals = 0
    let failing = true
    store.fail = () => {
      refusals++
      return failing ? 'view' : undefined
    }
    for (let n = 1; n <= 3; n++) segment(spool, [[block([{ n }])]])
    const inserter = inserterOf(spool, store)
    await until('refusals', () => refusals > 20)
    expect(spool.state().segments).toBe(3)
    failing = false
    await done(spool)
    await inserter.stop()
    expect(numbers()).toEqual([1, 2, 3])
    expect(deadLetters(spool)).toEqual({})
  })

  it('isolates bad rows in a segment that is refused while others are taken, and writes them down', async () => {
    const spool = await Spool.open(data, log)
    const { store, numbers } = faultyStore()
    store.fail = (_table, rows) => (rows.some(({ bad }) => bad) ? 'refuse' : undefined)
    const many = Array.from({ length: 20 }, (_, n) => ({ n, ...(n === 13 ? { bad: true } : {}) }))
    segment(spool, [[block(many.slice(0, 5))], [block(many.slice(5))], [block([{ n: 20 }])]])
    const [{ id } = { id: '' }] = spool.closed
    const inserter = inserterOf(spool, store)
    segment(spool, [[block([{ n: 21 }])]], Date.now() + 1000)
    await until('another attempt', () => numbers().includes(21))
    await done(spool)
    await inserter.stop()
    expect(numbers()).toEqual([...many.map(({ n }) => n).filter((n) => n !== 13), 20, 21])
    expect(deadLetters(spool)).toEqual({
      [`${id}-calls-13.jsonl`]: '{"n":13,"bad":true}\n',
      [`${id}-calls-13.jsonl.reason`]: '1 rows of calls, n, bad\nCannot parse input\n',
    })
    expect(spool.state().deadLetters).toBe(1)
  })

  it('goes through the same division again after a kill, so that no part counts twice', async () => {
    const first = await Spool.open(data, log)
    const { store, numbers } = faultyStore()
    let statements = 0
    let stuck = 8
    store.fail = (_table, rows) => {
      if (rows.some(({ n }) => n === 99)) return undefined
      if (++statements > stuck) return 'before'
      return rows.some(({ bad }) => bad) ? 'refuse' : undefined
    }
    const rows = Array.from({ length: 16 }, (_, n) => ({ n, ...(n === 6 ? { bad: true } : {}) }))
    segment(first, [[block(rows)]])
    const inserter = inserterOf(first, store)
    segment(first, [[block([{ n: 99 }])]], Date.now() + 1000)
    await until('a division half way', () => statements > stuck + 2)
    expect(numbers().length).toBeGreaterThan(1)
    // The next run finds the engine mended: as a whole the segment would be taken now, under another token.
    stuck = Number.POSITIVE_INFINITY
    const taken = numbers()
    const stopped = inserter.stop()
    await done(first)
    await stopped
    expect(taken.length).toBeLessThan(16)
    expect(numbers()).toEqual([...rows.map(({ n }) => n).filter((n) => n !== 6), 99])
    expect(readdirSync(join(first.folder, 'done')).some((name) => name.endsWith('.division'))).toBe(true)
    // Unclean: inserted once more, divided as before.
    const second = await Spool.open(data, log)
    expect(second.closed.map(({ again }) => again)).toEqual([true, true])
    const again = inserterOf(second, store)
    await until('done again', () => second.closed.length === 0)
    await again.stop()
    expect(numbers()).toEqual([...rows.map(({ n }) => n).filter((n) => n !== 6), 99])
  })

  it('does not divide what a view refuses, since the table has it: all of it is written down, and says so', async () => {
    const spool = await Spool.open(data, log)
    const { store, numbers } = faultyStore()
    store.fail = (_table, rows) => (rows.some(({ bad }) => bad) ? 'view' : undefined)
    segment(spool, [[block([{ n: 1 }, { n: 2, bad: true }])]])
    const [{ id } = { id: '' }] = spool.closed
    const inserter = inserterOf(spool, store)
    segment(spool, [[block([{ n: 3 }])]], Date.now() + 1000)
    await done(spool)
    await inserter.stop()
    expect(numbers()).toEqual([1, 2, 3])
    expect(deadLetters(spool)[`${id}-calls-0.jsonl.reason`]).toContain('the table itself may have these rows')
  })

  it('sets a file that cannot be read aside with its reason, and goes on with the rest', async () => {
    let spool = await Spool.open(data, log)
    segment(spool, [[block([{ n: 1 }])]])
    segment(spool, [[block([{ n: 2 }])]], Date.now() + 1000)
    const [first] = spool.closed
    const bytes = readFileSync(first!.path)
    bytes[bytes.length - 2]! ^= 1
    writeFileSync(first!.path, bytes)
    spool = await Spool.open(data, log)
    const { store, numbers } = faultyStore()
    const inserter = inserterOf(spool, store)
    await done(spool)
    await inserter.stop()
    expect(numbers()).toEqual([2])
    expect(deadLetters(spool)[`${first!.id}.segment.reason`]).toBe(`no whole frame at byte 0 of ${bytes.length}\n`)
  })

  it('gives up at a stop when the engine is away; the next run inserts what is left, and knows its requests', async () => {
    const spool = await Spool.open(data, log)
    const { store, numbers } = faultyStore()
    store.fail = () => 'before'
    segment(spool, [[block([{ n: 1 }])]])
    const key = `key-${keys}`
    const inserter = inserterOf(spool, store)
    await inserter.stop()
    await spool.markStopped()
    expect(numbers()).toEqual([])
    const next = await Spool.open(data, log)
    expect(next.takeKnown().map(([known]) => known)).toEqual([key])
    store.fail = () => undefined
    const again = inserterOf(next, store)
    await done(next)
    await again.stop()
    expect(numbers()).toEqual([1])
  })
})
