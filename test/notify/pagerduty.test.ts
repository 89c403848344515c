import Ajv from 'ajv'
import addFormats from 'ajv-formats'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { alertOf, deliver, hostileNotice, noticeOf, type Receiver, resolvedNotice, startReceiver } from './receiver.ts'

/** Source: https://developer.pagerduty.com/docs/send-alert-event (Events API v2), and its limits of sizes. */
const key = { type: 'string', minLength: 1, maxLength: 255 }
const event = {
  type: 'object',
  required: ['routing_key', 'event_action'],
  additionalProperties: false,
  properties: {
    routing_key: { type: 'string', pattern: '^[0-9a-zA-Z]{32}$' },
    event_action: { enum: ['trigger', 'acknowledge', 'resolve'] },
    dedup_key: key,
    client: { type: 'string' },
    client_url: { type: 'string', format: 'uri' },
    links: {
      type: 'array',
      items: {
        type: 'object',
        required: ['href'],
        additionalProperties: false,
        properties: { href: { type: 'string', format: 'uri' }, text: { type: 'string' } },
      },
    },
    payload: {
      type: 'object',
      required: ['summary', 'source', 'severity'],
      additionalProperties: false,
      properties: {
        summary: { type: 'string', minLength: 1, maxLength: 1024 },
        source: { type: 'string', minLength: 1 },
        severity: { enum: ['critical', 'error', 'warning', 'info'] },
        timestamp: { type: 'string', format: 'date-time' },
        component: { type: 'string' },
        group: { type: 'string' },
        class: { type: 'string' },
        custom_details: { type: 'object' },
      },
    },
  },
  if: { properties: { event_action: { const: 'trigger' } } },
  // biome-ignore lint/suspicious/noThenProperty: JSON Schema's word
  then: { required: ['payload'] },
  else: { required: ['dedup_key'] },
}
const valid = addFormats.default(new Ajv({ allErrors: true })).compile(event)

const routing_key = 'R0123456789abcdefR0123456789abcd'
let receiver: Receiver
beforeAll(async () => {
  receiver = await startReceiver()
})
afterAll(() => receiver.close())
beforeEach(() => {
  receiver.received.length = 0
  receiver.answer = ({ body }) => ({
    status: 202,
    body: JSON.stringify({ status: 'success', message: 'Event processed', dedup_key: JSON.parse(body).dedup_key }),
  })
})

const written = (severity = {}) => ({ pagerduty: { routing_key, url: receiver.url, severity } })
function events() {
  return receiver.received.map(({ path, body }) => {
    expect(path).toBe('/v2/enqueue')
    expect(Buffer.byteLength(body)).toBeLessThan(512_000)
    const parsed = JSON.parse(body)
    expect(valid(parsed), JSON.stringify(valid.errors)).toBe(true)
    return parsed
  })
}

describe('PagerDuty', () => {
  it('gets one incident for a group, from trigger to resolve', async () => {
    expect(await deliver(written(), noticeOf())).toMatchObject({ kind: 'delivered', status: 202 })
    await deliver(written(), noticeOf({ id: 'ntc_r', reason: 'repeat' }))
    await deliver(written(), resolvedNotice())
    await deliver(written(), noticeOf({ groupKey: 'another' }))
    const [trigger, repeat, resolve, other] = events()
    expect(trigger).toMatchObject({
      event_action: 'trigger',
      client_url: 'http://collector:4319',
      payload: {
        summary:
          'Firing: slow-checkout (checkout, POST /orders): slow-checkout: p95 is 412.3 ms, above 300 ms, in 312 calls of 5m',
        source: 'checkout',
        severity: 'critical',
        timestamp: '2026-11-21T10:01:05.000Z',
        component: 'POST /orders',
        class: 'slow-checkout',
        custom_details: {
          alerts: [
            {
              since: '2026-11-21 10:00:05 UTC',
              'for whom': 'acme: 40 of 120 calls, unknown callers: 1 of 9 calls, and 3 more consumers',
              compared: 'p95 was 120 ms in the same 5 minutes a week before',
            },
          ],
        },
      },
      links: [{ text: 'Board' }, { href: 'http://collector:4319/calls', text: 'Calls' }],
    })
    expect(repeat.dedup_key).toBe(trigger.dedup_key)
    expect(resolve).toEqual({ routing_key, event_action: 'resolve', dedup_key: trigger.dedup_key })
    expect(other.dedup_key).not.toBe(trigger.dedup_key)
  })

  it('gets the worst severity of what fires, by the map', async () => {
    const alerts = [
      alertOf({ endsAtMs: 1 }, { severity: 'page' }),
      alertOf({}, { severity: 'ticket' }),
      alertOf({}, { severity: 'toString' }),
    ]
    await deliver(written(), noticeOf({ alerts }))
    await deliver(written({ ticket: 'error' }), noticeOf({ alerts }))
    expect(events().map(({ payload }) => payload.severity)).toEqual(['warning', 'error'])
  })

  it('gets what callers call themselves within its limits', async () => {
    await deliver(written(), hostileNotice())
    expect(events()[0].payload.custom_details.left_out).toBe('87 more alerts left out here; the board has all of them.')
  })

  it('is not kept awake by a test', async () => {
    await deliver(written(), noticeOf({ reason: 'test' }))
    expect(events().map(({ event_action, payload }) => [event_action, payload?.severity])).toEqual([
      ['trigger', 'info'],
      ['resolve', undefined],
    ])
  })

  it.each([
    [
      { status: 400, body: `{"status":"invalid event","errors":["'${routing_key}' is not valid"]}` },
      'refused',
      /^HTTP 400: \{"status":"invalid event","errors":\["'…' is not valid"\]\}$/,
    ],
    [{ status: 429, headers: { 'retry-after': '60' } }, 'later', /^HTTP 429$/],
    [{ status: 500 }, 'later', /^HTTP 500$/],
  ])('answers %o', async (reply, kind, error) => {
    receiver.answer = () => reply
    expect(await deliver(written(), noticeOf())).toMatchObject({ kind, error: expect.stringMatching(error) })
  })
})
