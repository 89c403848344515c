import { describe, expect, it } from 'vitest'
import { limits } from '../limits.ts'
import { metrics } from '../metrics.ts'
import { callRow, originOf } from './call.ts'
import { Consumers } from './consumer.ts'
import { Operations } from './operation.ts'
import type { Attributes, Span } from './otlp.ts'
import { payloadRow } from './payload.ts'

const agent = originOf({ 'service.name': 'shop', 'telemetry.distro.name': 'callsight' }, 'prod', '')
const masked = {
  'http.request.method': 'POST',
  'callsight.operation': 'POST /orders',
  'callsight.consumer.id': 'acme',
  'callsight.detail': 'failed',
  'callsight.redaction': 'r1',
}

function payload(attributes: Attributes, ours = true) {
  const span: Span = {
    traceId: 'ab'.repeat(16),
    spanId: 'cd'.repeat(8),
    parentSpanId: '',
    name: '',
    kind: 2,
    startNs: 1_795_219_200_123_456_789n,
    endNs: 1_795_219_200_133_456_789n,
    attributes,
    statusCode: 0,
    statusMessage: '',
  }
  return payloadRow(span, callRow(span, agent, new Operations(), new Consumers([], undefined)), ours)
}

async function withheld(): Promise<Record<string, number>> {
  const { values } = await metrics.withheld.get()
  return Object.fromEntries(values.map(({ labels, value }) => [labels.what, value]))
}

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

  it('takes bytes that end inside a character as text up to there, and no bytes that are no text', async () => {
    const cut = Buffer.from('Büch').subarray(0, 2)
    expect(payload({ ...masked, 'http.request.body.content': cut })).toMatchObject({ request_body: 'B' })
    const before = (await withheld()).bytes ?? 0
    expect(payload({ ...masked, 'http.request.body.content': Buffer.from([0xff, 0xfe, 0, 1, 2]) })).toBeUndefined()
    expect((await withheld()).bytes).toBe(before + 1)
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
  ])('keeps only harmless headers: %s', async (_, attributes, ours) => {
    const before = await withheld()
    const row = payload(attributes, ours)
    expect(row).toMatchObject({
      redaction: '',
      query: '',
      request_body: '',
      response_body: '',
      request_headers: { 'content-type': ['application/json'] },
      response_headers: { 'retry-after': ['2'] },
    })
    expect(JSON.stringify(row)).not.toContain('secret')
    const after = await withheld()
    const more = Object.fromEntries(
      ['query', 'header', 'body'].map((what) => [what, after[what]! - (before[what] ?? 0)]),
    )
    expect(more).toEqual({ query: 1, header: 3, body: 2 })
  })

  it('makes no row of secrets alone', () => {
    const { 'http.request.header.content_type': _, 'http.response.header.Retry-After': __, ...secrets } = open
    expect(payload(secrets, false)).toBeUndefined()
  })
})
