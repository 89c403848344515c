import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { agents } from './agents.ts'
import { consumers } from './consumers.ts'
import { overview } from './overview.ts'

/**
 * Writes the boards as Grafana JSON into dist/, one file each. With `--check` writes nothing and fails when a
 * committed file is not what the source builds.
 */
const boards = [overview, consumers, agents]
const folder = new URL('../dist/', import.meta.url)
const check = process.argv.includes('--check')

mkdirSync(folder, { recursive: true })
const built = new Map(boards.map((board) => [`${board.uid}.json`, `${JSON.stringify(board, null, 2)}\n`]))
const committed = readdirSync(folder).filter((name) => name.endsWith('.json'))
const faults: string[] = []

for (const name of committed.filter((name) => !built.has(name))) {
  if (check) faults.push(`${name}: no board builds it`)
  else rmSync(new URL(name, folder))
}
for (const [name, text] of built) {
  const now = committed.includes(name) ? readFileSync(new URL(name, folder), 'utf8') : ''
  if (now === text) continue
  if (!check) {
    writeFileSync(new URL(name, folder), text)
    continue
  }
  const [old, wanted] = [now.split('\n'), text.split('\n')]
  const line = wanted.findIndex((content, index) => content !== old[index])
  const at = line === -1 ? wanted.length : line
  faults.push(
    `${name}:${at + 1}: is ${old[at]?.trim() ?? '(missing)'}\n    the source builds ${wanted[at]?.trim() ?? '(end)'}`,
  )
}
if (faults.length > 0) {
  console.error(
    `dashboards/dist differs from dashboards/src:\n  ${faults.join('\n  ')}\nRun: node dashboards/lib/build.js`,
  )
  process.exitCode = 1
}
