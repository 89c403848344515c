// Asks the embedded engine in a folder whose collector is stopped: node ask.mjs FOLDER <<< '["SELECT 1", …]' prints the
// rows of each statement, one JSON list a line. It knows nothing of the collector's own code, and it is a process of its
// own because the engine holds its folder as long as the process lives.
import { text } from 'node:stream/consumers'
import { Session } from 'chdb'

const statements = JSON.parse(await text(process.stdin))
const session = new Session(process.argv[2])
await session.queryAsync('USE callsight')
for (const sql of statements) {
  const answer = (await session.queryAsync(sql, { format: 'JSONEachRow' })).text()
  process.stdout.write(`[${answer.trim().split('\n').join(',')}]\n`)
}
session.close()
