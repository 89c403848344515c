import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { limits } from '../../collector/src/limits.ts'
import { registry } from '../../collector/src/metrics.ts'
import type { Coding } from '../../collector/src/receive/coding.ts'
import { Intake } from '../../collector/src/receive/intake.ts'
import { Threads } from '../../collector/src/receive/threads.ts'
import { framesOf } from '../../collector/src/spool/file.ts'
import { Spool } from '../../collector/src/spool/spool.ts'
import { until } from '../until.ts'

const log = pino({ level: 'silent' })
let data: string
let spool: Spool
let threads: Threads
let intake: Intake
beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), 'callsight-threads-'))
  spool = await Spool.open(data, log)
  const program = new URL('dying.mjs', import.meta.url)
  const pastMs = 30 * 86_400_000
  threads = new Threads({ spool, consumers: [], keySecret: undefined, pastMs, log, threads: 2, program })
  intake = new Intake({ threads, spool, known: [] })
})
afterEach(async () => {
  await threads.stop()
  rmSync(data, { recursive: true, force: true })
})

let spans = 0
function bodyOf(count = 1): Buffer {
  const now = BigInt(Date.now()) * 1_000_000n
  const all = Array.from({ length: count }, () => ({
    traceId: 'ab'.repeat(16),
    spanId: (++spans).toString(16).padStart(16, '0'),
    kind: 2,
    startTimeUnixNano: String(now),
    endTimeUnixNano: String(now),
    attributes: [{ key: 'http.request.method', value: { stringValue: 'GET' } }],
  }))
  return Buffer.from(JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: all }] }] }))
}

const take = (body: Buffer, token = 'token', encoding?: Coding) =>
  intake.take({ signal: 'traces', wire: 'json', encoding, body, pass: { digest: token } })
const ok = { rejected: 0, message: '' }

/** Rows of `calls` in the spool. */
async function stored(): Promise<number> {
  await threads.stop()
  const frames = await Promise.all(spool.closed.map(({ path }) => framesOf(path, true)))
  const blocks = frames.flat().flatMap((frame) => frame.blocks)
  return blocks.filter(({ table }) => table === 'calls').reduce((sum, { rows }) => sum + rows, 0)
}

describe('the decode threads', () => {
  it('answer when the rows are in the spool, each request its own way', async () => {
    const answers = await Promise.allSettled([
      take(bodyOf(3)),
      take(Buffer.from('garbage')),
      take(bodyOf(2), 'other'),
      take(bodyOf(1), 'token', 'gzip'),
      ...Array.from({ length: 50 }, () => take(bodyOf())),
    ])
    expect(answers[0]).toEqual({ status: 'fulfilled', value: ok })
    expect(answers[1]).toMatchObject({ status: 'rejected', reason: { status: 400 } })
    expect(answers[3]).toMatchObject({
      status: 'rejected',
      reason: { status: 400, message: 'the body is not gzip: incorrect header check' },
    })
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(52)
    expect(await stored()).toBe(55)
    expect(spool.state()).toMatchObject({ segments: 2, rows: 55 })
  })

  it('count on the main thread what they reject', async () => {
    const before = await rejected()
    const old = JSON.parse(bodyOf().toString())
    old.resourceSpans[0].scopeSpans[0].spans[0].startTimeUnixNano = '1'
    expect(await take(Buffer.from(JSON.stringify(old)))).toMatchObject({ rejected: 1 })
    await until('the count', async () => (await rejected()) === before + 1)
  })

  it('are replaced when they die; what was in their segment is safe, the rest is sent again', async () => {
    expect(await take(bodyOf())).toEqual(ok)
    const body = bodyOf()
    await expect(take(Buffer.from(body), 'dies')).rejects.toMatchObject({ status: 503, retryAfter: limits.retryAfterS })
    // Its rows were durable when it died, so its sender must not send them again.
    expect(await take(bodyOf(), 'dies-silently')).toEqual(ok)
    expect(await take(bodyOf())).toEqual(ok)
    expect(await stored()).toBe(3)
  })

  it('refuse a request that ends them each time, when it was tried alone', async () => {
    const body = bodyOf()
    const statuses: number[] = []
    for (let attempt = 0; attempt < 3; attempt++) {
      await take(Buffer.from(body), 'dies').catch((error) => statuses.push(error.status))
    }
    expect(statuses).toEqual([503, 503, 400])
    expect(await take(bodyOf())).toEqual(ok)
  })
})

async function rejected(): Promise<number> {
  const text = await registry.metrics()
  return Number(/^callsight_rejected_total\{cause="too_old"\} (\d+)$/m.exec(text)?.[1] ?? 0)
}
