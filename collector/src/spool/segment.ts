import { createHash, randomUUID } from 'node:crypto'
import type { Block, BlockFormat, WrittenTable } from './block.ts'

/**
 * A segment is a file of frames. A frame holds what a few requests brought, written and synced at once:
 *
 *     4  bytes  magic
 *     4         length of the header, little endian
 *     8         length of the blocks, little endian
 *     32        SHA-256 over both lengths, the header and the blocks
 *     …         header, JSON: when, the keys of the requests, and the table, format, structure, rows and length of each block
 *     …         the blocks, one after another
 *
 * A frame is whole or it is not there: what a kill cut off at the end is recognised by its lengths or its sum.
 */
const MAGIC = Buffer.from('CSF1')
const LENGTHS_AT = 4
const SUM_AT = 16
const PREFIX = 48
/** Longer ones are not ours: a header has some hundred bytes for each block and 45 for each request. */
const HEADER_MOST = 256 * 1024 * 1024

/** A block inside its segment. */
export interface Placed {
  table: WrittenTable
  format: BlockFormat
  structure: string
  rows: number
  /** Byte of the file at which it starts, and its length. */
  offset: number
  length: number
}

/** What a frame tells of itself. */
export interface Frame {
  /** When it was written, in milliseconds since 1970. */
  at: number
  /** Keys that recognise its requests when they are sent again. */
  keys: string[]
  blocks: Placed[]
}

/** What a segment holds, and how many bytes of it are whole frames. */
export interface Index {
  frames: Frame[]
  good: number
}

/** Reads bytes of a file: fewer than asked for only at its end. */
export type Read = (position: number, length: number) => Promise<Buffer>

interface Header {
  at: number
  keys: string[]
  blocks: Omit<Placed, 'offset'>[]
}

/** A name that sorts by time, is given once, and is the root of all tokens of the segment's inserts. */
export function segmentId(now = Date.now()): string {
  return `${String(now).padStart(13, '0')}-${randomUUID()}`
}

/** When a segment of this name was begun; undefined when the name is none of ours. */
export function begunAt(id: string): number | undefined {
  const at = /^(\d{13})-[0-9a-f-]{36}$/.exec(id)?.[1]
  return at === undefined ? undefined : Number(at)
}

/** The parts of a frame, to be written one after another. */
export function frameOf(at: number, keys: string[], blocks: readonly Block[]): Buffer[] {
  const header: Header = {
    at,
    keys,
    blocks: blocks.map(({ table, format, structure, rows, bytes }) => ({
      table,
      format,
      structure,
      rows,
      length: bytes.length,
    })),
  }
  const text = Buffer.from(JSON.stringify(header))
  const prefix = Buffer.alloc(PREFIX)
  MAGIC.copy(prefix)
  prefix.writeUInt32LE(text.length, LENGTHS_AT)
  prefix.writeBigUInt64LE(BigInt(blocks.reduce((sum, { bytes }) => sum + bytes.length, 0)), LENGTHS_AT + 4)
  const bodies = blocks.map(({ bytes }) => bytes)
  sumOf(prefix, text, bodies).copy(prefix, SUM_AT)
  return [prefix, text, ...bodies]
}

/**
 * Walks through the frames of a segment until its end, or until a frame that is not whole.
 *
 * @param verify also reads the blocks and compares their sums
 */
export async function readIndex(read: Read, verify: boolean): Promise<Index> {
  const frames: Frame[] = []
  let good = 0
  for (;;) {
    const prefix = await read(good, PREFIX)
    if (prefix.length < PREFIX || !prefix.subarray(0, LENGTHS_AT).equals(MAGIC)) break
    const headerLength = prefix.readUInt32LE(LENGTHS_AT)
    const bodyLength = Number(prefix.readBigUInt64LE(LENGTHS_AT + 4))
    if (headerLength > HEADER_MOST) break
    const text = await read(good + PREFIX, headerLength)
    if (text.length < headerLength) break
    const body = good + PREFIX + headerLength
    const frame = parse(text, body, bodyLength)
    if (frame === undefined) break
    if (verify) {
      const bodies = await Promise.all(frame.blocks.map(({ offset, length }) => read(offset, length)))
      if (!sumOf(prefix, text, bodies).equals(prefix.subarray(SUM_AT))) break
    } else if (bodyLength > 0 && (await read(body + bodyLength - 1, 1)).length === 0) break
    frames.push(frame)
    good = body + bodyLength
  }
  return { frames, good }
}

function parse(text: Buffer, body: number, bodyLength: number): Frame | undefined {
  try {
    const { at, keys, blocks } = JSON.parse(text.toString()) as Header
    let offset = body
    const placed = blocks.map((block) => {
      offset += block.length
      return { ...block, offset: offset - block.length }
    })
    return offset - body === bodyLength ? { at, keys, blocks: placed } : undefined
  } catch {
    return undefined
  }
}

function sumOf(prefix: Buffer, text: Buffer, bodies: readonly Buffer[]): Buffer {
  const hash = createHash('sha256').update(prefix.subarray(LENGTHS_AT, SUM_AT)).update(text)
  for (const bytes of bodies) hash.update(bytes)
  return hash.digest()
}
