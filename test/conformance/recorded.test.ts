import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync, gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import type { Store } from '../../collector/src/store/store.ts'
import { inStore, startCollector } from '../program.ts'
import { type Shifted, shiftToNow } from './shift.ts'
import { ask, call, framed } from './wire.ts'

interface Recording {
  name: string
  protocol: 'http/protobuf' | 'grpc'
  path: string
  headers: Record<string, string>
}

const folder = fileURLToPath(new URL('recorded/', import.meta.url))
const recordings: Recording[] = JSON.parse(readFileSync(`${folder}recorded.json`, 'utf8'))

/** A recording with its times moved to now, packed again as it was. */
function prepared({ name, protocol }: Recording): { body: Buffer; shifted: Shifted } {
  const recorded = readFileSync(`${folder}${name}.bin`)
  const message = protocol === 'grpc' ? recorded.subarray(5) : recorded
  const gzip = message[0] === 0x1f && message[1] === 0x8b
  const plain = gzip ? gunzipSync(message) : Buffer.from(message)
  const shifted = shiftToNow(plain)
  const packed = gzip ? gzipSync(plain) : plain
  return { body: protocol === 'grpc' ? framed(packed, gzip) : packed, shifted }
}

/** What the store made of a recording. */
async function rowsOf(store: Store, { traceIds, firstNs }: Shifted): Promise<object[]> {
  const first = `toDateTime64('${new Date(Number(firstNs / 1_000_000n)).toISOString().slice(0, 19)}', 6, 'UTC')`
  const ids = [...traceIds].map((id) => `'${id}'`).join(', ')
  // The recording was also sent as it is, with the times of then: those rows are not asked for.
  const where = `WHERE trace_id IN (${ids}) AND ts >= ${first} ORDER BY ts, span_id`
  const at = `toUnixTimestamp64Micro(ts) - ${firstNs / 1000n} AS at_us`
  const calls = await store.query<Record<string, unknown>>(
    `SELECT direction, ${at}, duration_us, env, service, version, style, operation, method, route, path, peer, status, outcome, error_code, request_bytes, response_bytes, weight, client_address, user_agent, trace_id, span_id, parent_span_id FROM calls ${where}`,
  )
  const spans = await store.query<Record<string, unknown>>(
    `SELECT kind, ${at}, duration_us, env, service, name, scope, trace_id, span_id, parent_span_id FROM spans ${where}`,
  )
  return [...calls, ...spans]
}

it('what SDKs of Python, Go and Java sent is stored as it should be, by HTTP and gRPC, plain and gzip', async () => {
  const collector = await startCollector()
  const sent = new Map<string, Shifted>()
  for (const recording of recordings) {
    const { body, shifted } = prepared(recording)
    sent.set(recording.name, shifted)
    // The second time with the very bytes of the SDK; its times may be too old by now, which is no fault of theirs.
    for (const bytes of [body, readFileSync(`${folder}${recording.name}.bin`)]) {
      if (recording.protocol === 'grpc') {
        const { te: _, 'content-type': __, ...headers } = recording.headers
        const answer = await call(collector.grpc, recording.path, bytes, headers)
        expect([answer.code, answer.message], recording.name).toEqual([0, ''])
        if (bytes === body) expect(answer.body.length, 'no partial success').toBe(0)
      } else {
        const answer = await ask(collector.otlp + recording.path, { headers: recording.headers, body: bytes })
        expect([answer.status, answer.headers['content-type']], recording.name).toEqual([200, 'application/x-protobuf'])
        if (bytes === body) expect(answer.body.length, 'no partial success').toBe(0)
      }
    }
  }
  await collector.stop()
  await inStore(collector.data, async (store) => {
    for (const [name, shifted] of sent) {
      const rows = await rowsOf(store, shifted)
      expect(rows, name).toHaveLength(shifted.spans)
      await expect(`${JSON.stringify(rows, null, 2)}\n`, name).toMatchFileSnapshot(`${folder}${name}.json`)
    }
  })
}, 60_000)
