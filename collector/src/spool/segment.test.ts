import * as fs from 'node:fs'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Block } from './block.ts'
import { byTable, extract, framesOf, indexOf, truncate } from './file.ts'
import { begunAt, segmentId } from './segment.ts'
import { type Disk, SegmentWriter, Unwritable } from './writer.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'callsight-segment-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const block = (text: string, table: Block['table'] = 'calls'): Block => ({
  table,
  format: 'JSONEachRow',
  structure: 'a',
  rows: 1,
  bytes: Buffer.from(text),
})
const only = () => join(folder, readdirSync(folder)[0]!)

/** A disk that does what node:fs does until it is told to fail. */
function disk() {
  const fails = new Map<keyof Disk, { code: string; after: number }>()
  const real = { ...fs }
  const faulty: Record<string, unknown> = { ...fs }
  for (const name of ['writeSync', 'fdatasyncSync', 'ftruncateSync', 'openSync', 'renameSync'] as const) {
    faulty[name] = (...args: unknown[]) => {
      const fail = fails.get(name)
      if (fail !== undefined && fail.after-- <= 0)
        throw Object.assign(new Error(`${fail.code}: no`), { code: fail.code })
      return (real[name] as (...args: unknown[]) => unknown)(...args)
    }
  }
  const fail = (name: keyof Disk, code: string, after = 0) => fails.set(name, { code, after })
  return { disk: faulty as unknown as Disk, fail, heal: () => fails.clear() }
}

describe('a segment', () => {
  it('gives back what was appended, by table, with the keys', async () => {
    const writer = new SegmentWriter(folder, '1')
    writer.append(['k1', 'k2'], [block('{"a":1}\n'), block('{"s":1}\n', 'spans')], 1000)
    const open = writer.append(['k3'], [block('{"a":2}\n')], 2000)
    expect(open).toMatchObject({ rows: 3, at: 1000 })
    expect(readdirSync(folder)).toEqual([`${open.id}.open-1`])
    expect(writer.close()).toEqual(open)
    expect(readdirSync(folder)).toEqual([`${open.id}.segment`])
    expect(fs.statSync(only()).size).toBe(open.bytes)
    const frames = await framesOf(only(), true)
    expect(frames.map(({ at, keys }) => [at, keys])).toEqual([
      [1000, ['k1', 'k2']],
      [2000, ['k3']],
    ])
    const tables = byTable(frames)
    expect([...tables.keys()]).toEqual(['calls', 'spans'])
    const source = await extract(only(), tables.get('calls')!, join(folder, 'out'))
    expect(source).toEqual({ path: join(folder, 'out'), format: 'JSONEachRow', structure: 'a' })
    expect(readFileSync(source.path, 'utf8')).toBe('{"a":1}\n{"a":2}\n')
    expect(writer.close()).toBeUndefined()
  })

  it('cut at any byte keeps exactly the whole frames, and nothing else', async () => {
    const writer = new SegmentWriter(folder, '1')
    const ends = [0]
    for (const text of ['one', 'two', 'three']) {
      ends.push(writer.append([text], [block(text), block(`${text}!`, 'spans')], ends.length).bytes)
    }
    const whole = readFileSync(only())
    const path = join(folder, 'cut')
    for (let length = 0; length <= whole.length; length++) {
      writeFileSync(path, whole.subarray(0, length))
      const frames = ends.filter((end) => end <= length).length - 1
      const { good, frames: kept } = await truncate(path)
      expect([good, kept.length], `cut at ${length}`).toEqual([ends[frames], frames])
      expect(fs.statSync(path).size).toBe(good)
    }
  })

  it('with any changed byte keeps only what is before it', async () => {
    const writer = new SegmentWriter(folder, '1')
    const first = writer.append(['k1'], [block('one')]).bytes
    writer.append(['k2'], [block('two')])
    const whole = readFileSync(only())
    const path = join(folder, 'changed')
    for (let at = first; at < whole.length; at++) {
      const changed = Buffer.from(whole)
      changed[at]! ^= 1
      writeFileSync(path, changed)
      const { good, frames } = await indexOf(path, true)
      expect([good, frames.length], `changed at ${at}`).toEqual([first, 1])
    }
    await expect(framesOf(path, true)).rejects.toThrow(`no whole frame at byte ${first} of ${whole.length}`)
  })

  it('has a name of its own that sorts by time', () => {
    expect(begunAt(segmentId(1795219200123))).toBe(1795219200123)
    expect(segmentId(999) < segmentId(1000)).toBe(true)
    expect(segmentId(1)).not.toBe(segmentId(1))
    expect(begunAt('ledger')).toBeUndefined()
  })
})

describe('a disk that fails', () => {
  it.each([
    ['writeSync', 'ENOSPC', 0],
    ['writeSync', 'ENOSPC', 2],
    ['fdatasyncSync', 'EIO', 0],
  ] as const)(
    'at %s leaves what was acknowledged, and nothing of the frame that was not',
    async (name, code, after) => {
      const { disk: faulty, fail, heal } = disk()
      const writer = new SegmentWriter(folder, '1', faulty)
      const before = writer.append(['k1'], [block('one')])
      fail(name, code, after)
      expect(() => writer.append(['k2'], [block('two')])).toThrow(
        new Unwritable(`the spool cannot be written: ${code}: no`),
      )
      heal()
      // The file gets no more frames, whatever it still holds of the failed one.
      expect(writer.close()).toEqual(before)
      expect((await framesOf(only(), true)).map(({ keys }) => keys)).toEqual([['k1']])
      const next = writer.append(['k3'], [block('three')])
      expect(next.id).not.toBe(before.id)
    },
  )

  it('takes nothing until what the failed write left is cut off', async () => {
    const { disk: faulty, fail, heal } = disk()
    const writer = new SegmentWriter(folder, '1', faulty)
    writer.append(['k1'], [block('one')])
    fail('fdatasyncSync', 'EIO')
    fail('ftruncateSync', 'EIO')
    expect(() => writer.append(['k2'], [block('two')])).toThrow(Unwritable)
    expect(() => writer.append(['k3'], [block('three')])).toThrow('cannot be cut off yet')
    expect(() => writer.close()).toThrow('EIO')
    heal()
    expect(() => writer.append(['k3'], [block('three')])).toThrow('cannot be cut off yet')
    writer.close()
    expect((await framesOf(only(), true)).map(({ keys }) => keys)).toEqual([['k1']])
    expect(() => writer.append(['k3'], [block('three')])).not.toThrow()
  })

  it('leaves no empty segment, and a probe leaves nothing', () => {
    const { disk: faulty, fail, heal } = disk()
    const writer = new SegmentWriter(folder, '1', faulty)
    fail('writeSync', 'ENOSPC')
    expect(() => writer.append(['k1'], [block('one')])).toThrow(Unwritable)
    expect(() => writer.probe()).toThrow('ENOSPC')
    heal()
    expect(writer.close()).toBeUndefined()
    writer.probe()
    expect(readdirSync(folder)).toEqual([])
  })
})
