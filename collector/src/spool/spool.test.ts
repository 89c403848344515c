import { appendFileSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { limits } from '../limits.ts'
import { Ledger } from './ledger.ts'
import { segmentId } from './segment.ts'
import { Spool } from './spool.ts'
import { SegmentWriter } from './writer.ts'

const log = pino({ level: 'silent' })
let data: string
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'callsight-spool-'))
})
afterEach(() => rmSync(data, { recursive: true, force: true }))

const one = {
  table: 'calls',
  format: 'JSONEachRow',
  structure: 'a',
  rows: 1,
  bytes: Buffer.from('{"a":1}\n'),
} as const
const lastByte = (path: string) => appendFileSync(path, 'x')

describe('the spool', () => {
  it('after a kill closes what was open, cut to its whole frames, and knows the requests of all it holds', async () => {
    let spool = await Spool.open(data, log)
    const writer = new SegmentWriter(spool.folder, '1')
    writer.append(['closed'], [one])
    writer.close()
    writer.append(['open'], [one])
    new SegmentWriter(spool.folder, '2').append(['other'], [one])
    for (const name of readdirSync(spool.folder)) if (name.includes('.open-')) lastByte(join(spool.folder, name))
    writeFileSync(join(spool.folder, `${segmentId()}.open-3`), 'nothing whole')
    writeFileSync(join(spool.folder, 'insert', 'half'), 'a copy')
    spool = await Spool.open(data, log)
    expect(spool.closed).toHaveLength(3)
    expect(spool.state()).toMatchObject({ segments: 3, rows: 3 })
    expect(
      spool
        .takeKnown()
        .map(([key]) => key)
        .sort(),
    ).toEqual(['closed', 'open', 'other'])
    expect(readdirSync(spool.folder).filter((name) => name.includes('.open-'))).toEqual([])
    expect(readdirSync(join(spool.folder, 'insert'))).toEqual([])
  })

  it('inserts what was done once more after a kill, and forgets it after a stop in order', async () => {
    const started = await Spool.open(data, log)
    const writer = new SegmentWriter(started.folder, '1')
    writer.append(['key'], [one])
    started.closedBy('1', writer.close())
    await started.finish(started.closed[0]!)
    expect(started.state().segments).toBe(0)

    const killed = await Spool.open(data, log)
    expect(killed.closed.map(({ again }) => again)).toEqual([true])
    // It is not new: nothing waits for it.
    expect(killed.state()).toMatchObject({ segments: 0, oldestMs: 0 })
    await killed.finish(killed.closed[0]!)
    await killed.markStopped()

    const stopped = await Spool.open(data, log)
    expect(stopped.closed).toEqual([])
    expect(readdirSync(join(stopped.folder, 'done'))).toEqual([])
    expect(existsSync(join(stopped.folder, 'stopped'))).toBe(false)
  })

  it('inserts into a server only what was done a moment ago once more: its tables may have forgotten the rest', async () => {
    const started = await Spool.open(data, log)
    const writer = new SegmentWriter(started.folder, '1')
    writer.append(['key'], [one])
    started.closedBy('1', writer.close())
    await started.finish(started.closed[0]!)
    const killed = await Spool.open(data, log, -1000)
    expect(killed.closed).toEqual([])
    expect(readdirSync(join(killed.folder, 'done'))).toEqual([])
  })

  it('says that it is full by bytes and by age', async () => {
    const spool = await Spool.open(data, log)
    expect(spool.full()).toBeUndefined()
    const summary = { id: segmentId(), rows: 1, bytes: limits.spoolBytes, at: Date.now() }
    spool.closedBy('1', summary)
    expect(spool.full()).toBe(
      `${limits.spoolBytes} bytes are waiting for ClickHouse in the spool, the limit is ${limits.spoolBytes}`,
    )
    const old = await Spool.open(join(data, 'old'), log)
    old.opened('1', { ...summary, bytes: 1, at: Date.now() - limits.spoolAgeMs })
    expect(old.full()).toBe(
      `rows have been waiting for ClickHouse for ${limits.spoolAgeMs / 1000} s, the limit is ${limits.spoolAgeMs / 1000} s`,
    )
  })

  it('is writable again when every thread can write again', async () => {
    const spool = await Spool.open(data, log)
    spool.disk('1', false)
    spool.disk('2', false)
    spool.disk('1', true)
    expect(spool.state().writable).toBe(false)
    spool.disk('2', true)
    expect(spool.state().writable).toBe(true)
  })
})

describe('the ledger', () => {
  it('gives back what was appended, the oldest first, and no line that was cut off', async () => {
    const ledger = new Ledger(data)
    const now = Date.now()
    await ledger.append([['second', now]])
    await ledger.append([['first', now - 1000]])
    appendFileSync(join(data, 'ledger'), '17952192001')
    await ledger.append([['third', now + 1]])
    expect(new Ledger(data).read().map(([key]) => key)).toEqual(['first', 'second', 'third'])
  })

  it('forgets keys that no sender repeats any more', async () => {
    const old = Date.now() - limits.resendMs - 1000
    writeFileSync(join(data, 'ledger.old'), `${old} gone\n${Date.now() - 1000} here\n`)
    const ledger = new Ledger(data)
    expect(ledger.read().map(([key]) => key)).toEqual(['here'])
    await ledger.append([['gone', old]])
    expect(existsSync(join(data, 'ledger'))).toBe(false)
  })
})
