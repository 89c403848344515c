import { appendFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { limits } from '../limits.ts'
import { Journal } from './journal.ts'
import type { Row, Store } from './store.ts'
import { Writer } from './writer.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'callsight-journal-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const block = (id: string, ...keys: string[]) => ({
  id,
  entries: keys.map((key) => ({ key, batch: { calls: [{ from: key, text: 'ż\n"' }] } })),
})
const nothingToTell = (file: string, reason: string) => {
  throw new Error(`${file}: ${reason}`)
}

describe('Journal', () => {
  it('gives back what was begun and not finished, in order, and the keys of what was finished', async () => {
    const journal = new Journal(folder)
    await journal.begin(block('1000-b', 'k1', 'k2'))
    await journal.begin(block('0999-a', 'k3'))
    await journal.begin(block('1001-c', 'k4'))
    await journal.finish(block('1001-c', 'k4'))
    const next = new Journal(folder)
    expect(next.unfinished(nothingToTell)).toEqual([block('0999-a', 'k3'), block('1000-b', 'k1', 'k2')])
    expect(next.stored().map(([key]) => key)).toEqual(['k4'])
    expect(Math.abs(next.stored()[0]![1] - Date.now())).toBeLessThan(60_000)
  })

  it('drops what was cut off while it was written, sets aside what it cannot read, and says so', async () => {
    const journal = new Journal(folder)
    writeFileSync(join(folder, '1-x.block.part'), '{"key":"k","ba')
    writeFileSync(join(folder, '2-y.block'), 'not json\n')
    await journal.finish(block('3-z', 'known'))
    appendFileSync(join(folder, 'ledger'), '17952192001')
    const told: string[] = []
    const next = new Journal(folder)
    expect(next.unfinished((file) => told.push(file))).toEqual([])
    expect(told).toEqual([join(folder, '2-y.block.unreadable')])
    expect(next.stored().map(([key]) => key)).toEqual(['known'])
    expect(readdirSync(folder).sort()).toEqual(['2-y.block.unreadable', 'ledger'])
  })

  it('forgets keys that no sender repeats any more', () => {
    const old = Date.now() - limits.resendMs - 1000
    writeFileSync(join(folder, 'ledger.old'), `${old} gone\n${Date.now() - 1000} here\n`)
    expect(new Journal(folder).stored().map(([key]) => key)).toEqual(['here'])
  })

  it('leaves nothing of a block that could not be written', async () => {
    const journal = new Journal(folder)
    rmSync(folder, { recursive: true })
    await expect(journal.begin(block('1-a', 'k'))).rejects.toThrow('ENOENT')
  })
})

describe('recovery', () => {
  it('inserts what was left once more under the same tokens, divided as before, and knows its requests', async () => {
    const tokens: string[] = []
    const store = {
      async insert(_table: string, rows: readonly Row[], token: string) {
        if (rows.length > 0) tokens.push(token)
      },
    } as unknown as Store
    await new Journal(folder).begin(block('7-left', 'k1', 'k2'))
    const journal = new Journal(folder)
    const writer = new Writer(store, journal, pino({ level: 'silent' }))
    expect(await writer.recover()).toBe(1)
    expect(tokens).toEqual(['7-left-calls'])
    expect(journal.stored().map(([key]) => key)).toEqual(['k1', 'k2'])
    expect(new Journal(folder).unfinished(nothingToTell)).toEqual([])
    expect(await writer.recover()).toBe(0)
  })
})
