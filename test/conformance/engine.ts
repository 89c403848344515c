import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Session } from 'chdb'
import type { Block } from '../../collector/src/spool/block.ts'
import type { Row } from '../../collector/src/store/store.ts'

/** The embedded engine as a reader of Native blocks. */
export function openEngine() {
  const folder = mkdtempSync(join(tmpdir(), 'callsight-blocks-'))
  const session = new Session(join(folder, 'store'))
  const file = join(folder, 'block.native')
  return {
    /** The rows of blocks by table, as the engine reads them from one file for each table. */
    rowsOf(blocks: Block[]): Record<string, Row[]> {
      const rows: Record<string, Row[]> = {}
      for (const table of new Set(blocks.map((block) => block.table))) {
        const own = blocks.filter((block) => block.table === table)
        writeFileSync(file, Buffer.concat(own.map(({ bytes }) => bytes)))
        const structure = own[0]!.structure.replaceAll("'", "\\'")
        const answer = session.query(
          `SELECT * FROM file('${file}', 'Native', '${structure}') SETTINGS output_format_json_quote_64bit_integers = 0, max_threads = 1`,
          'JSONEachRow',
        )
        const lines = String(answer).split('\n').filter(Boolean)
        rows[table] = lines.map((line) => JSON.parse(line))
      }
      return rows
    },
    close() {
      session.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
