import { afterAll, describe, expect, it } from 'vitest'
import { limits } from '../../collector/src/limits.ts'
import { Decoder } from '../../collector/src/receive/decoder.ts'
import type { Row } from '../../collector/src/store/store.ts'
import { openEngine } from './engine.ts'
import { type Attributes, NOW, OUR_SCOPE, span, tracesOf } from './otlp.ts'

const engine = openEngine()
afterAll(() => engine.close())
const agent = { 'service.name': 'shop', 'telemetry.distro.name': 'callsight', 'deployment.environment.name': 'prod' }
const masked = {
  'http.request.method': 'POST',
  'callsight.operation': 'POST /orders',
  'callsight.consumer.id': 'acme',
  'callsight.detail': 'failed',
  'callsight.redaction': 'r1',
}

/** @param ours our agent made the span, or else a stock SDK */
function taken(attributes: Attributes, ours = true): { row: Row | undefined; withheld: Record<string, number> } {
  const decoder = new Decoder({ consumers: [], keySecret: undefined, pastMs: 86_400_000, now: () => NOW })
  const body = tracesOf([span(attributes)], ours ? agent : { 'service.name': 'shop' }, ours ? OUR_SCOPE : 'other')
  decoder.take('traces', 'protobuf', body, { env: undefined, token: '' })
  const { calls, payloads } = engine.rowsOf(decoder.drain())
  expect(calls).toHaveLength(1)
  return { row: payloads?.[0], withheld: decoder.counts()?.withheld ?? {} }
}
const payload = (attributes: Attributes, ours = true) => taken(attributes, ours).row

describe('of our agent', () => {
  it('keeps headers, query and bodies beside what names the call', () => {
    expect(
      payload({
        ...masked,
        'url.query': 'page=2&token=***',
        'http.request.header.content-type': ['application/json'],
        'http.response.header.set-cookie': ['a=***', 'b=***'],
        'http.request.body.content': '{"book":1}',
        'http.request.body.size': 10,
        'http.response.body.content': Buffer.from('{"fehler":"Bücher"}'),
        'http.response.body.size': 4000,
        'callsight.response.body.truncated': true,
      }),
    ).toEqual({
      ts: '2026-11-21 00:00:00.123456',
      direction: 'in',
      env: 'prod',
      service: 'shop',
      operation: 'POST /orders',
      consumer: 'acme',
      trace_id: 'ab'.repeat(16),
      span_id: 'cd'.repeat(8),
      detail: 'failed',
      redaction: 'r1',
      query: 'page=2&token=***',
      request_headers: { 'content-type': ['application/json'] },
      response_headers: { 'set-cookie': ['a=***', 'b=***'] },
      request_body: '{"book":1}',
      response_body: '{"fehler":"Bücher"}',
      request_truncated: false,
      response_truncated: true,
      request_bytes: 10,
      response_bytes: 4000,
    })
  })

  it('makes no row of a call that carries nothing', () => {
    expect(payload(masked)).toBeUndefined()
    expect(payload({ ...masked, 'http.request.body.content': '', 'url.query': '' })).toBeUndefined()
  })

  it('cuts at its bounds, and says so', () => {
    const long = payload({ ...masked, 'http.request.body.content': 'x'.repeat(limits.bodyChars + 1) })!
    expect(long.request_body).toHaveLength(limits.bodyChars)
    expect([long.request_truncated, long.response_truncated]).toEqual([true, false])

    const half = payload({ ...masked, 'http.request.body.content': `${'x'.repeat(limits.bodyChars - 1)}🐢` })!
    expect(String(half.request_body).slice(-2)).toBe('x\ufffd')

    const header = payload({ ...masked, 'http.response.header.x-long': ['y'.repeat(limits.textChars + 1)] })!
    expect((header.response_headers as Record<string, string[]>)['x-long']![0]).toHaveLength(limits.textChars)
    expect(header.response_truncated).toBe(true)

    const many = Object.fromEntries(
      Array.from({ length: limits.headers + 1 }, (_, i) => [`http.request.header.x-${i}`, ['v']]),
    )
    const row = payload({ ...masked, ...many })!
    expect(Object.keys(row.request_headers as object)).toHaveLength(limits.headers)
    expect(row.request_truncated).toBe(true)
  })

  it('bounds the whole row, whatever it is filled with', () => {
    const attributes: Attributes = { ...masked, 'url.query': 'q'.repeat(10_000) }
    for (let i = 0; i < 400; i++) {
      const value = Array.from({ length: 10 }, () => 'v'.repeat(limits.textChars))
      attributes[`http.request.header.x-${i}`] = value
      attributes[`http.response.header.x-${i}`] = value
    }
    attributes['http.request.body.content'] = 'b'.repeat(limits.payloadChars)
    attributes['http.response.body.content'] = 'b'.repeat(limits.payloadChars)
    const row = payload(attributes)!
    const { query, request_headers, response_headers, request_body, response_body } = row
    const headers = [request_headers, response_headers].flatMap((of) => Object.entries(of as Record<string, string[]>))
    const texts = [query, request_body, response_body, ...headers.flat(2)].map(String)
    expect(texts.reduce((sum, one) => sum + one.length, 0)).toBeLessThanOrEqual(limits.payloadChars)
    expect([row.request_truncated, row.response_truncated]).toEqual([true, true])
  })

  it('takes bytes that end inside a character as text up to there, and no bytes that are no text', () => {
    const cut = Buffer.from('Büch').subarray(0, 2)
    expect(payload({ ...masked, 'http.request.body.content': cut })).toMatchObject({ request_body: 'B' })
    const { row, withheld } = taken({ ...masked, 'http.request.body.content': Buffer.from([0xff, 0xfe, 0, 1, 2]) })
    expect([row, withheld]).toEqual([undefined, { bytes: 1 }])
  })
})

describe('of anyone else, and of an agent that does not say what it masked', () => {
  const open = {
    'http.request.method': 'GET',
    'url.query': 'api_key=secret',
    'http.request.header.content_type': ['application/json'],
    'http.request.header.authorization': ['Bearer secret'],
    'http.request.header.x-whatever': ['secret'],
    'http.response.header.set-cookie': ['sid=secret'],
    'http.response.header.Retry-After': '2',
    'http.request.body.content': 'secret',
    'http.response.body.content': 'secret',
  }

  it.each([
    ['a stock SDK', open, false],
    ['a stock SDK that says it masked', { ...open, 'callsight.redaction': 'r1' }, false],
    ['an agent that says nothing', open, true],
  ])('keeps only harmless headers: %s', (_, attributes, ours) => {
    const { row, withheld } = taken(attributes, ours)
    expect(row).toMatchObject({
      redaction: '',
      query: '',
      request_body: '',
      response_body: '',
      request_headers: { 'content-type': ['application/json'] },
      response_headers: { 'retry-after': ['2'] },
    })
    expect(JSON.stringify(row)).not.toContain('secret')
    expect(withheld).toEqual({ query: 1, header: 3, body: 2 })
  })

  it('makes no row of secrets alone', () => {
    const { 'http.request.header.content_type': _, 'http.response.header.Retry-After': __, ...secrets } = open
    expect(payload(secrets, false)).toBeUndefined()
  })
})
