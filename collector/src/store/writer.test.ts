import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ClickHouseError } from '@clickhouse/client'
import pino from 'pino'
import { afterAll, describe, expect, it } from 'vitest'
import { limits } from '../limits.ts'
import { Journal } from './journal.ts'
import type { Row, Store } from './store.ts'
import { type Batch, Overloaded, Refused, Writer } from './writer.ts'

const log = pino({ level: 'silent' })
const folder = mkdtempSync(join(tmpdir(), 'callsight-writer-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A table that keeps what it is given once per token, as the engine does, and fails as it is told. */
function table(fail: (attempt: number, rows: readonly Row[]) => Error | undefined = () => undefined) {
  const seen = new Map<string, readonly Row[]>()
  let attempts = 0
  const store = {
    async insert(_table: string, rows: readonly Row[], token: string) {
      if (rows.length === 0) return
      const error = fail(++attempts, rows)
      if (error?.message !== 'lost answer' && error !== undefined) throw error
      if (!seen.has(token)) seen.set(token, rows)
      if (error !== undefined) throw error
    },
  } as unknown as Store
  return { store, rows: () => [...seen.values()].flat(), inserts: () => seen.size, attempts: () => attempts }
}

let keys = 0
const add = (writer: Writer, batch: Batch) => writer.add(batch, `key-${++keys}`)
const journal = () => new Journal(mkdtempSync(join(folder, 'journal-')))

const refusal = () =>
  new ClickHouseError({ message: 'Cannot parse input', code: '27', type: 'CANNOT_PARSE_INPUT_ASSERTION_FAILED' })

describe('Writer', () => {
  it('puts many requests into one block and settles each when it is in', async () => {
    const { store, rows, inserts } = table()
    const writer = new Writer(store, journal(), log)
    await Promise.all(Array.from({ length: 50 }, (_, i) => add(writer, { calls: [{ i }] })))
    expect(rows()).toHaveLength(50)
    expect(inserts()).toBe(1)
    expect(writer.queued).toBe(0)
  })

  it('repeats a block with the same token until it is in: a lost answer counts nothing twice', async () => {
    const { store, rows, attempts } = table((attempt) => (attempt <= 2 ? new Error('lost answer') : undefined))
    const writer = new Writer(store, journal(), log)
    await add(writer, { calls: [{ a: 1 }, { a: 2 }] })
    expect(attempts()).toBe(3)
    expect(rows()).toEqual([{ a: 1 }, { a: 2 }])
  })

  it('lets one refused request take no other with it', async () => {
    const { store, rows } = table((_attempt, batch) => (batch.some((row) => row.bad) ? refusal() : undefined))
    const writer = new Writer(store, journal(), log)
    const results = await Promise.allSettled([
      add(writer, { calls: [{ a: 1 }] }),
      add(writer, { calls: [{ bad: true }] }),
      add(writer, { calls: [{ a: 2 }] }),
    ])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect((results[1] as PromiseRejectedResult).reason).toBeInstanceOf(Refused)
    expect((results[1] as PromiseRejectedResult).reason.message).toBe(
      'ClickHouse refuses these rows: Cannot parse input',
    )
    expect(rows()).toEqual([{ a: 1 }, { a: 2 }])
  })

  it('refuses new rows when too many wait, and says how many', async () => {
    let release: () => void = () => {}
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    const store = { insert: () => gate } as unknown as Store
    const writer = new Writer(store, journal(), log)
    const full = add(writer, { calls: Array.from({ length: limits.queuedRows }, () => ({})) })
    await expect(add(writer, { calls: [{}] })).rejects.toThrow(
      new Overloaded(`${limits.queuedRows} rows are waiting for ClickHouse, the limit is ${limits.queuedRows}`),
    )
    release()
    await full
    await expect(add(writer, { calls: [{}] })).resolves.toBeUndefined()
  })

  it('closes a block that is heavy with bodies, and refuses bodies when too many wait', async () => {
    let release: () => void = () => {}
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    const blocks: number[] = []
    const store = {
      insert: async (_table: string, { length }: readonly Row[]) => {
        await gate
        if (length > 0) blocks.push(length)
      },
    } as unknown as Store
    const writer = new Writer(store, journal(), log)
    const body = 'x'.repeat(limits.blockChars / 4)
    const heavy = { payloads: [{ request_body: body, response_body: '' }] }
    const added = Array.from({ length: limits.queuedChars / body.length }, () => add(writer, heavy))
    await expect(add(writer, heavy)).rejects.toThrow(
      new Overloaded(
        `${limits.queuedChars} characters of bodies are waiting for ClickHouse, the limit is ${limits.queuedChars}`,
      ),
    )
    // Calls without bodies go on.
    const light = add(writer, { calls: [{}] })
    release()
    await Promise.all([...added, light])
    expect(blocks.slice(0, -1)).toEqual(added.slice(0, added.length / 4).map(() => 4))
  })

  it('stops after what is waiting is in', async () => {
    const { store, rows } = table()
    const writer = new Writer(store, journal(), log)
    const added = add(writer, { calls: [{ a: 1 }] })
    await writer.stop()
    await added
    expect(rows()).toEqual([{ a: 1 }])
    await expect(add(writer, { calls: [{}] })).rejects.toThrow(Overloaded)
  })

  it('gives up at a stop when the engine is away, and the request learns it', async () => {
    const { store } = table(() => new Error('ECONNREFUSED'))
    const writer = new Writer(store, journal(), log)
    const added = add(writer, { calls: [{ a: 1 }] })
    const failed = expect(added).rejects.toThrow('the collector is stopping')
    await writer.stop()
    await failed
  })
})
