import { afterAll, describe, expect, it } from 'vitest'
import { limits } from '../../collector/src/limits.ts'
import { Decoder } from '../../collector/src/receive/decoder.ts'
import type { Row } from '../../collector/src/store/store.ts'
import { openEngine } from './engine.ts'
import { type Attributes, NOW, OUR_SCOPE, ours, START, span, stock, tracesOf } from './otlp.ts'

const engine = openEngine()
afterAll(() => engine.close())
const about = { env: undefined, token: '' }
const decoder = () => new Decoder({ consumers: [], keySecret: undefined, pastMs: 30 * 86_400_000, now: () => NOW })

interface Answer {
  /** Milliseconds after the first. */
  at?: number
  status?: number
  kind?: number
  fields?: Record<string, unknown>
  more?: Attributes
}

const call = ({ at = 0, status = 200, kind = 3, fields = {}, more = {} }: Answer) => {
  const headers = Object.entries(fields).map(([name, value]) => [`http.response.header.${name}`, value])
  const attributes = {
    'http.request.method': 'GET',
    'url.path': '/things',
    'server.address': 'api.example.com',
    'server.port': 443,
    'http.response.status_code': status,
    ...Object.fromEntries(headers),
    ...more,
  } as Attributes
  const nanos = (ms: number) => String(START + BigInt(Math.round(ms * 1000)) * 1000n)
  return span(attributes, { kind, startTimeUnixNano: nanos(at), endTimeUnixNano: nanos(at + 10) })
}

function take(answers: Answer[], resource = stock, taking = decoder()) {
  const body = tracesOf(answers.map(call), resource, resource === ours ? OUR_SCOPE : 'test')
  taking.take('traces', 'protobuf', body, about)
  return { rows: engine.rowsOf(taking.drain()) as Record<string, Row[]>, counts: taking.counts() }
}

const left = (remaining: number) => ({ 'x-ratelimit-limit': ['60'], 'x-ratelimit-remaining': [String(remaining)] })

describe('quotas in answers to outgoing calls', () => {
  it('are a row for each quota and second, with the newest word and how many there were', () => {
    const { rows } = take(
      [
        { fields: left(9) },
        { at: 300, fields: left(7) },
        // It was sent later, and is older.
        { at: 200, fields: left(8) },
        { at: 350, status: 429, fields: { ...left(0), 'retry-after': ['30'] } },
        { at: 2000, fields: left(59) },
        { at: 2000, fields: left(59), more: { 'server.address': 'other.example.com' } },
        { at: 100 },
      ],
      ours,
    )
    expect(rows.upstream_limits).toMatchObject([
      {
        ts: '2026-11-21 00:00:00.483456',
        service: 'shop',
        peer: 'api.example.com',
        peer_port: 443,
        policy: '',
        dialect: 'x-ratelimit',
        allowed: 60,
        remaining: 0,
        resets_at: null,
        window_s: null,
        retry_at: '2026-11-21 00:00:30.483',
        calls: 4,
        refused: 1,
      },
      { ts: '2026-11-21 00:00:02.133456', remaining: 59, calls: 1, refused: 0 },
      { peer: 'other.example.com', remaining: 59 },
    ])
    expect(rows.calls).toHaveLength(7)
  })

  it('came with the first byte of an answer, where that is told', () => {
    const { rows } = take([{ fields: left(1), more: { 'callsight.ttfb_us': 4000 } }], ours)
    expect(rows.upstream_limits).toMatchObject([{ ts: '2026-11-21 00:00:00.127456' }])
  })

  it('are no payload and no attribute of the call, and nothing that is withheld', () => {
    const { rows, counts } = take([{ fields: { ...left(1), 'retry-after': ['1'] } }])
    expect(rows.payloads).toBeUndefined()
    expect(rows.calls![0]!.attributes).toEqual({})
    expect(counts?.withheld ?? {}).toEqual({})
    const other = take([{ fields: { ...left(1), 'x-secret': ['s'] } }])
    expect(other.counts?.withheld).toEqual({ header: 1 })
  })

  it('stay among the headers of a call that keeps its detail', () => {
    const more = { 'callsight.redaction': 'r1', 'http.request.header.accept': ['*/*'] }
    const { rows } = take([{ fields: left(1), more }], ours)
    expect(rows.payloads).toMatchObject([
      { response_headers: { 'x-ratelimit-limit': ['60'], 'x-ratelimit-remaining': ['1'] } },
    ])
    expect(rows.upstream_limits).toHaveLength(1)
  })

  it('are not read of what we answer ourselves', () => {
    expect(take([{ kind: 2, fields: left(1) }]).rows.upstream_limits).toBeUndefined()
  })

  it('are read by the older names of attributes, from a text, and from fields sent twice', () => {
    const { rows } = take([
      { fields: { x_ratelimit_limit: '60', 'X-RateLimit-Remaining': ['1'] } },
      { at: 5000, fields: { ratelimit: ['"a";r=1', '"b";r=2;t=5'] } },
    ])
    expect(rows.upstream_limits).toMatchObject([
      { allowed: 60, remaining: 1 },
      { policy: 'a', remaining: 1 },
      { policy: 'b', remaining: 2, resets_at: '2026-11-21 00:00:10.133' },
    ])
  })

  it('blame a refusal on what is used up, else on the only quota, else on one without a name', () => {
    const refusedOf = (fields: Record<string, unknown>, status = 429) =>
      take([{ status, fields }]).rows.upstream_limits?.map(({ policy, refused }) => [policy, refused])
    expect(refusedOf({ ratelimit: '"a";r=0, "b";r=7' })).toEqual([
      ['a', 1],
      ['b', 0],
    ])
    expect(refusedOf({ ratelimit: '"a";r=7' })).toEqual([['a', 1]])
    expect(refusedOf({ ratelimit: '"a";r=7, "b";r=7' })).toEqual([
      ['', 1],
      ['a', 0],
      ['b', 0],
    ])
    expect(refusedOf({})).toEqual([['', 1]])
    expect(refusedOf({}, 503)).toBeUndefined()
    expect(refusedOf({ 'retry-after': '5' }, 503)).toEqual([['', 1]])
  })

  it('count with the weight of a sampled call', () => {
    const sampled = { ...call({ fields: left(1) }), traceState: 'ot=th:c' }
    const taking = decoder()
    taking.take('traces', 'protobuf', tracesOf([sampled], stock, 'test'), about)
    expect(engine.rowsOf(taking.drain()).upstream_limits).toMatchObject([{ calls: 4 }])
  })

  it('are bounded in their number, and what is left out is counted', () => {
    const taking = decoder()
    const named = (number: number, from: number) =>
      Array.from({ length: number }, (_, i) => ({ fields: { ratelimit: `"q${from + i}";r=1` } }))
    let stored = 0
    let left = 0
    for (let from = 0; from < limits.upstreamsKnown + 500; from += 500) {
      const { rows, counts } = take(named(500, from), stock, taking)
      stored += rows.upstream_limits?.length ?? 0
      left += counts?.overflowed.upstream ?? 0
    }
    expect([stored, left]).toEqual([limits.upstreamsKnown, 500])
    // Those that are known go on.
    expect(take(named(1, 0), stock, taking).rows.upstream_limits).toHaveLength(1)
  })

  it('of a moment that is far ahead are as of now, at most', () => {
    const late = { ...call({ fields: left(1) }), endTimeUnixNano: String(START + 10n ** 18n) }
    const taking = decoder()
    taking.take('traces', 'protobuf', tracesOf([late], stock, 'test'), about)
    const [row] = engine.rowsOf(taking.drain()).upstream_limits!
    expect(Date.parse(`${String(row!.ts).replace(' ', 'T')}Z`)).toBeLessThanOrEqual(NOW + limits.futureMs)
  })
})
