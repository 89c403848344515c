import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { WrittenTable } from '../spool/block.ts'
import type { Insert } from './prove.ts'
import type { Row, Store } from './store.ts'

/** Inserts the rows of a trial as the spool inserts calls: a Native block in a file, which the engine reads. */
export function insertByFile(store: Pick<Store, 'insertBlocks'>, folder: string): Insert {
  return async (table, rows, token) => {
    const path = join(folder, `${token}.native`)
    writeFileSync(path, nativeBlock(rows))
    try {
      // A table of a trial is none that requests bring rows for, but it is filled the same way.
      await store.insertBlocks(table as WrittenTable, { path, format: 'Native', structure }, token)
    } finally {
      rmSync(path, { force: true })
    }
  }
}

const structure = 'at DateTime, name String, n UInt64'

/** Columns, rows, then each column: its name, its type, its values. Source: ClickHouse docs, format Native. */
function nativeBlock(rows: readonly Row[]): Buffer {
  const at = rows.map((row) => uint32(Date.parse(`${row.at}Z`) / 1000))
  const name = rows.map((row) => text(String(row.name)))
  const n = rows.map((row) => uint64(Number(row.n)))
  return Buffer.concat([
    Buffer.from([3, rows.length]),
    ...[text('at'), text('DateTime'), ...at],
    ...[text('name'), text('String'), ...name],
    ...[text('n'), text('UInt64'), ...n],
  ])
}

/** A length below 128 is a varint of one byte. */
function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([Buffer.from([bytes.length]), bytes])
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(value))
  return bytes
}
