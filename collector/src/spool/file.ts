import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import type { BlockFormat, WrittenTable } from './block.ts'
import { type Frame, type Index, type Placed, type Read, readIndex } from './segment.ts'

/** A file of the spool that does not hold what it should. */
export class Unreadable extends Error {
  override name = 'Unreadable'
}

/** Blocks of one table, in a file that the engine can read. */
export interface Source {
  path: string
  format: BlockFormat
  structure: string
}

const CHUNK = 1024 * 1024

/** Index of the frames of a segment's file. @param verify see readIndex */
export async function indexOf(path: string, verify: boolean): Promise<Index & { size: number }> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    return { ...(await readIndex(reader(file), verify)), size }
  } finally {
    await file.close()
  }
}

/** The frames of a closed segment. @throws Unreadable when not all of it is whole frames */
export async function framesOf(path: string, verify: boolean): Promise<Frame[]> {
  const { frames, good, size } = await indexOf(path, verify)
  if (good < size) throw new Unreadable(`no whole frame at byte ${good} of ${size}`)
  return frames
}

/** Cuts off what is behind the last whole frame; durable when it resolves. @returns what is left */
export async function truncate(path: string): Promise<Index> {
  const index = await indexOf(path, true)
  const file = await open(path, constants.O_RDWR)
  try {
    await file.truncate(index.good)
    await file.sync()
  } finally {
    await file.close()
  }
  return index
}

/** Blocks by table. */
export function byTable(frames: readonly Frame[]): Map<WrittenTable, Placed[]> {
  const tables = new Map<WrittenTable, Placed[]>()
  for (const { blocks } of frames) {
    for (const block of blocks) {
      const others = tables.get(block.table)
      if (others === undefined) tables.set(block.table, [block])
      else others.push(block)
    }
  }
  return tables
}

/** Copies blocks of one table out of a segment, one behind another. The copy need not be durable: it can be made again. */
export async function extract(segment: string, blocks: readonly Placed[], path: string): Promise<Source> {
  const from = await open(segment)
  try {
    const to = await open(path, 'w')
    try {
      for (const { offset, length } of blocks) {
        for (let done = 0; done < length; ) {
          const bytes = await read(from, offset + done, Math.min(CHUNK, length - done))
          if (bytes.length === 0) throw new Unreadable(`it ends inside of the block at byte ${offset}`)
          await to.writeFile(bytes)
          done += bytes.length
        }
      }
    } finally {
      await to.close()
    }
  } finally {
    await from.close()
  }
  return { path, ...shapeOf(blocks) }
}

/** Format and columns that blocks have in common. */
function shapeOf(blocks: readonly Placed[]): { format: BlockFormat; structure: string } {
  const { format, structure, table } = blocks[0]!
  if (blocks.every((block) => block.format === format && block.structure === structure)) return { format, structure }
  // Rows of JSON may lack columns that others have; what is missing is empty.
  if (blocks.some((block) => block.format !== 'JSONEachRow')) throw new Unreadable(`blocks of ${table} differ in shape`)
  return { format, structure: [...new Set(blocks.flatMap((block) => block.structure.split(', ')))].join(', ') }
}

function reader(file: FileHandle): Read {
  return (position, length) => read(file, position, length)
}

async function read(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length)
  const { bytesRead } = await file.read(bytes, 0, length, position)
  return bytes.subarray(0, bytesRead)
}
