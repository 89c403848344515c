import { Consumers } from '../../../collector/src/receive/consumer.ts'
import { Operations } from '../../../collector/src/receive/operation.ts'
import { decodeTraces } from './otlp.ts'
import { traceRows } from './rows.ts'

const operations = new Operations()
const consumers = new Consumers([], undefined)

/** What the collector wrote before it wrote blocks: a request's rows as lines of JSON. */
export function referenceLines(body: Uint8Array): Buffer {
  const setting = { env: undefined, token: '', operations, consumers, now: Date.now(), pastMs: 30 * 86_400_000 }
  const { rows } = traceRows(decodeTraces(body), setting)
  const lines = Object.values(rows).flatMap((list) => list.map((row) => `${JSON.stringify(row)}\n`))
  return Buffer.from(lines.join(''))
}
