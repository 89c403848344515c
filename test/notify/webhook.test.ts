import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { limits } from '../../collector/src/limits.ts'
import {
  alertOf,
  deliver,
  hostileNotice,
  noticeOf,
  type Receiver,
  resolvedNotice,
  startMs,
  startReceiver,
} from './receiver.ts'

const secret = `whsec_${Buffer.from('a key of twenty-four bytes').toString('base64')}`
const old = `whsec_${Buffer.from('the key that was there before').toString('base64')}`

let receiver: Receiver
beforeAll(async () => {
  receiver = await startReceiver()
})
afterAll(() => receiver.close())
beforeEach(() => {
  receiver.received.length = 0
  receiver.answer = () => ({ status: 204 })
})

describe('a webhook', () => {
  it('is verified by the library of the specification, with either secret while it is rotated', async () => {
    expect(await deliver({ webhook: receiver.url, secret: [secret, old] }, noticeOf())).toMatchObject({
      kind: 'delivered',
    })
    const { headers, body } = receiver.received[0]!
    const sent = headers as Record<string, string>
    expect(sent['webhook-id']).toBe('ntc_1')
    expect(sent['webhook-signature']!.split(' ')).toHaveLength(2)
    expect(new Webhook(secret).verify(body, sent)).toMatchObject({ version: '4', status: 'firing', receiver: 'ops' })
    expect(new Webhook(old).verify(body, sent)).toMatchObject({ version: '4' })
    const other = `whsec_${Buffer.from('somebody else, who guesses').toString('base64')}`
    expect(() => new Webhook(other).verify(body, sent)).toThrow(/signature/)
    expect(() => new Webhook(secret).verify(body.replace('firing', 'resolved'), sent)).toThrow(/signature/)
  })

  it('has all alerts of the group, and what they have in common', async () => {
    const endsAtMs = startMs + 60_000
    const alerts = [
      alertOf(),
      alertOf(
        { endsAtMs },
        { fingerprint: 'f2', state: 'resolved', labels: { service: 'checkout', operation: 'GET /x' } },
      ),
    ]
    await deliver({ webhook: receiver.url }, noticeOf({ alerts, truncated: 3, reason: 'changed' }))
    expect(JSON.parse(receiver.received[0]!.body)).toMatchObject({
      groupKey: '{}:{alertname="slow-checkout"}',
      truncatedAlerts: 3,
      status: 'firing',
      notification_reason: 'changed',
      commonLabels: { alertname: 'slow-checkout', service: 'checkout', severity: 'page' },
      alerts: [
        {
          status: 'firing',
          startsAt: '2026-11-21T10:00:05.000Z',
          endsAt: '0001-01-01T00:00:00Z',
          annotations: {
            hurt: 'acme: 40 of 120 calls, unknown callers: 1 of 9 calls, and 3 more consumers',
            compared: 'p95 was 120 ms in the same 5 minutes a week before',
            calls_url: 'http://collector:4319/calls',
          },
        },
        { status: 'resolved', endsAt: '2026-11-21T10:01:05.000Z', labels: { operation: 'GET /x' }, fingerprint: 'f2' },
      ],
    })
    expect(JSON.parse(receiver.received[0]!.body).commonLabels).not.toHaveProperty('operation')
  })

  it.each([
    [503, 'later'],
    [429, 'later'],
    [410, 'gone'],
    [404, 'refused'],
    [301, 'refused'],
  ])('that answers %i is %s', async (status, kind) => {
    receiver.answer = () => ({
      status,
      headers: { 'retry-after': '7', location: 'http://127.0.0.1:1/' },
      body: 'why\nnot',
    })
    const outcome = await deliver({ webhook: receiver.url }, resolvedNotice())
    const error = status === 301 ? 'HTTP 301: redirects are not followed' : `HTTP ${status}: why not`
    expect(outcome).toEqual({ kind, status, error, retryAfterMs: 7000 })
    expect(receiver.received).toHaveLength(1)
  })

  it('that repeats what it got tells no secret', async () => {
    receiver.answer = ({ headers, path }) => ({
      status: 400,
      body: `${path} ${headers.authorization} a-long-secret ${receiver.url}${path}`,
    })
    const webhook = `${receiver.url.replace('//', '//me:pass-word-1@')}/services/T000/very-secret-token?key=query-secret`
    const { error } = await deliver({ webhook, secret: 'a-long-secret' }, noticeOf())
    expect(error).toMatch(/^HTTP 400: …/)
    expect(error).not.toMatch(/very-secret|query-secret|a-long-secret|pass-word|bWU6/)
  })

  it('that does not end its answer is judged by its head', async () => {
    receiver.answer = () => ({ status: 200, headers: { 'content-length': '10' }, body: 'short' })
    expect(await deliver({ webhook: receiver.url }, noticeOf())).toMatchObject({ kind: 'delivered', status: 200 })
  })

  it('takes what callers call themselves', async () => {
    await deliver({ webhook: receiver.url }, hostileNotice())
    const { body } = receiver.received[0]!
    expect(Buffer.byteLength(body)).toBeLessThanOrEqual(limits.noticeBytes)
    const { alerts, truncatedAlerts } = JSON.parse(body)
    expect(alerts.length).toBeGreaterThan(1)
    expect(alerts.length + truncatedAlerts).toBe(100 + hostileNotice().truncated)
  })
})

describe('a private receiver', () => {
  const words = (address: string) =>
    `the receiver is at a loopback address (${address}), where notices do not go unless allowed; add allow_private: true to its channel, or notices: { allow_private: [${address}/32] }`

  it('is not connected to when the collector is not on loopback alone', async () => {
    const outcome = await deliver({ webhook: receiver.url }, noticeOf(), false)
    expect(outcome).toEqual({ kind: 'later', status: 0, error: words('127.0.0.1'), retryAfterMs: undefined })
    const { port } = new URL(receiver.url)
    for (const host of ['localhost', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1']) {
      expect((await deliver({ webhook: `http://${host}:${port}` }, noticeOf(), false)).error).toMatch(
        /^the receiver is at a loopback address/,
      )
    }
    expect(receiver.received).toEqual([])
  })

  it('is connected to when its channel allows it', async () => {
    expect((await deliver({ webhook: receiver.url, allow_private: true }, noticeOf(), false)).kind).toBe('delivered')
  })

  it('at link-local is never connected to unless it is named', async () => {
    const { error } = await deliver({ webhook: 'http://169.254.169.254/latest', allow_private: true }, noticeOf())
    expect(error).toMatch(
      /^the receiver is at a cloud metadata address .*; add notices: \{ allow_private: \[169\.254\.169\.254\/32\] \}$/,
    )
  })

  it.each([
    { slack: 'http://10.0.0.1/x' },
    { teams: 'http://10.0.0.1/x' },
    { pagerduty: { routing_key: 'r', url: 'http://10.0.0.1' } },
    { email: { to: 'a@example.com', from: 'b@example.com', smtp: 'smtp://10.0.0.1' } },
    { alertmanager: 'http://10.0.0.1' },
    { discord: 'http://10.0.0.1/x' },
    { telegram: { token: 't', chat: 1, url: 'http://10.0.0.1' } },
    { template: { url: 'http://10.0.0.1', body: 'x' } },
  ])('is refused to %o', async (written) => {
    expect(await deliver(written, noticeOf())).toMatchObject({
      kind: 'later',
      error: expect.stringMatching(/^the receiver is at a private address \(10\.0\.0\.1\)/),
    })
  })
})
