import { createHmac } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import pino from 'pino'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { AlertEvent } from '../judge/alert/step.ts'
import { webhookChannel } from './channels/webhook.ts'
import type { Notice } from './notice.ts'
import { Notifier } from './notifier.ts'
import type { Attempt } from './queue.ts'

interface Received {
  path: string
  headers: IncomingHttpHeaders
  body: string
}

const local = { loopback: true, ranges: [] }
const event: AlertEvent = {
  id: 'evt_1',
  atMs: Date.UTC(2026, 10, 21, 10, 1),
  rule: 'slow',
  fingerprint: 'f1',
  labels: { service: 'shop', operation: 'GET /books' },
  severity: 'page',
  state: 'firing',
  value: 412.3,
  threshold: 300,
  calls: 50,
  summary: 'slow: p95 is 412.3 ms',
  activeSinceMs: Date.UTC(2026, 10, 21, 10, 0),
}

/** What one channel is told of this event. */
function notice(more: Partial<Notice> = {}): Notice {
  const links = {
    board: 'http://collector:4319/d/callsight-overview?from=1',
    calls: 'http://collector:4319/api/v1/calls',
  }
  return {
    id: 'ntc_1',
    groupKey: '{}:{alertname="slow"}',
    groupLabels: { alertname: 'slow' },
    status: 'firing',
    reason: 'firing',
    alerts: [
      { event, startsAtMs: event.activeSinceMs, endsAtMs: undefined, links, hurt: [], hurtConsumers: 0, compared: '' },
    ],
    truncated: 0,
    createdMs: event.atMs,
    ...more,
  }
}

let server: Server
let base: string
let received: Received[]
let answer: (request: Received, count: number) => { status: number; headers?: Record<string, string>; after?: number }
let records: { id: string; channel: string; attempt: Attempt }[]
let notifier: Notifier
let offsetMs: number
const logged: string[] = []

beforeEach(async () => {
  received = []
  records = []
  logged.length = 0
  offsetMs = 0
  answer = () => ({ status: 200 })
  server = createServer(async (request, response) => {
    let body = ''
    for await (const piece of request) body += piece
    const one = { path: request.url!, headers: request.headers, body }
    received.push(one)
    const { status, headers = {}, after = 0 } = answer(one, received.length)
    setTimeout(() => response.writeHead(status, headers).end(status === 200 ? '' : 'what it says'), after)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  notifier = new Notifier({
    record: async ({ id }, channel, { attempt, done, status, error }) => {
      records.push({ id, channel, attempt: { attempt, done, status, error } })
    },
    externalUrl: () => 'http://collector:4319',
    log: pino({}, { write: (line: string) => void logged.push(line) }),
    // Time stands still but for what a test adds.
    now: () => event.atMs + offsetMs,
  })
})

afterEach(async () => {
  await notifier.stop()
  await new Promise((resolve) => server.close(resolve))
})

const recorded = (count: number) => vi.waitFor(() => expect(records).toHaveLength(count), 5000)

describe('a notice', () => {
  it('is an Alertmanager document, signed as Standard Webhooks say', async () => {
    const secret = `whsec_${Buffer.from('a key of twenty-four bytes').toString('base64')}`
    notifier.configure([webhookChannel('ops', `${base}/hook`, [secret])], local)
    expect(notifier.send(notice(), 'ops')).toBe(true)
    await recorded(1)
    const { headers, body, path } = received[0]!
    expect(path).toBe('/hook')
    expect(headers['content-type']).toBe('application/json')
    expect(headers['webhook-id']).toBe('ntc_1')
    expect(Math.abs(Number(headers['webhook-timestamp']) - Date.now() / 1000)).toBeLessThan(10)
    const signed = `ntc_1.${headers['webhook-timestamp']}.${body}`
    const expected = createHmac('sha256', 'a key of twenty-four bytes').update(signed).digest('base64')
    expect(headers['webhook-signature']).toBe(`v1,${expected}`)
    const labels = { service: 'shop', operation: 'GET /books', alertname: 'slow', severity: 'page' }
    const annotations = {
      summary: 'slow: p95 is 412.3 ms',
      threshold: '300',
      calls: '50',
      value: '412.3',
      calls_url: 'http://collector:4319/api/v1/calls',
    }
    expect(JSON.parse(body)).toEqual({
      version: '4',
      groupKey: '{}:{alertname="slow"}',
      truncatedAlerts: 0,
      status: 'firing',
      notification_reason: 'firing',
      receiver: 'ops',
      groupLabels: { alertname: 'slow' },
      commonLabels: labels,
      commonAnnotations: annotations,
      externalURL: 'http://collector:4319',
      alerts: [
        {
          status: 'firing',
          labels,
          annotations,
          startsAt: '2026-11-21T10:00:00.000Z',
          endsAt: '0001-01-01T00:00:00Z',
          generatorURL: 'http://collector:4319/d/callsight-overview?from=1',
          fingerprint: 'f1',
        },
      ],
    })
    expect(records).toEqual([
      { id: 'ntc_1', channel: 'ops', attempt: { attempt: 1, done: true, status: 200, error: '' } },
    ])
  })

  it('is signed with a plain secret as it is, and sends the password of a URL in its header', async () => {
    const webhook = `${base.replace('http://', 'http://me:p%40ss@')}/hook`
    notifier.configure([webhookChannel('ops', webhook, ['plain'])], local)
    const [alert] = notice().alerts
    const over = { ...alert!, event: { ...event, state: 'resolved' as const }, endsAtMs: event.atMs }
    notifier.send(notice({ status: 'resolved', alerts: [over] }), 'ops')
    await recorded(1)
    const { headers, body } = received[0]!
    const signed = `ntc_1.${headers['webhook-timestamp']}.${body}`
    expect(headers['webhook-signature']).toBe(`v1,${createHmac('sha256', 'plain').update(signed).digest('base64')}`)
    expect(headers.authorization).toBe(`Basic ${Buffer.from('me:p@ss').toString('base64')}`)
    expect(JSON.parse(body).alerts[0]).toMatchObject({ status: 'resolved', endsAt: '2026-11-21T10:01:00.000Z' })
    expect(logged.join()).not.toMatch(/p%40ss|p@ss|hook/)
  })

  it('is not sent to a channel that is not there', () => {
    expect(notifier.send(notice(), 'ops')).toBe(false)
  })
})

describe('delivery', () => {
  it('is tried again after 503, with the same id and body, and never before Retry-After', async () => {
    answer = (_, count) => (count === 1 ? { status: 503, headers: { 'retry-after': '60' } } : { status: 204 })
    notifier.configure([webhookChannel('ops', base)], local)
    notifier.send(notice(), 'ops')
    await recorded(1)
    expect(records[0]?.attempt).toEqual({ attempt: 1, done: false, status: 503, error: 'HTTP 503: what it says' })
    offsetMs = 59_000
    notifier.send(notice({ id: 'ntc_2', groupKey: 'f2' }), 'ops')
    await recorded(2)
    expect(received.map(({ headers }) => headers['webhook-id'])).toEqual(['ntc_1', 'ntc_2'])
    offsetMs = 61_000
    notifier.send(notice({ id: 'ntc_3', groupKey: 'f3' }), 'ops')
    await recorded(4)
    expect(records[2]).toMatchObject({ id: 'ntc_1', attempt: { attempt: 2, done: true, status: 204 } })
    expect(received[2]!.body).toBe(received[0]!.body)
    expect(received[2]!.headers['webhook-signature']).toBeUndefined()
  })

  it('keeps the order of one alert, and lets others pass one that waits', async () => {
    answer = ({ headers }) => ({ status: headers['webhook-id'] === 'ntc_1' && offsetMs === 0 ? 500 : 200 })
    notifier.configure([webhookChannel('ops', base)], local)
    notifier.send(notice(), 'ops')
    notifier.send(notice({ id: 'ntc_2', status: 'resolved' }), 'ops')
    notifier.send(notice({ id: 'ntc_3', groupKey: 'other' }), 'ops')
    await recorded(2)
    offsetMs = 10_000
    notifier.send(notice({ id: 'ntc_4', groupKey: 'last' }), 'ops')
    await recorded(5)
    expect(received.map(({ headers }) => headers['webhook-id'])).toEqual(['ntc_1', 'ntc_3', 'ntc_1', 'ntc_2', 'ntc_4'])
  })

  it.each([
    [400, 'HTTP 400: what it says'],
    [302, 'HTTP 302: redirects are not followed'],
  ])('is given up after %i', async (status, error) => {
    answer = () => ({ status, headers: { location: `${base}/elsewhere` } })
    notifier.configure([webhookChannel('ops', base)], local)
    notifier.send(notice(), 'ops')
    await recorded(1)
    expect(records[0]?.attempt).toEqual({ attempt: 1, done: true, status, error })
    expect(received).toHaveLength(1)
  })

  it('is given up an hour after the event', async () => {
    answer = () => ({ status: 500 })
    notifier.configure([webhookChannel('ops', base)], local)
    offsetMs = 3600_000
    notifier.send(notice(), 'ops', 6)
    await recorded(1)
    expect(records[0]?.attempt).toMatchObject({ attempt: 7, done: true, status: 500 })
  })

  it('ends for a channel that answers 410, until it is configured anew', async () => {
    answer = ({ path }) => ({ status: path === '/new' ? 200 : 410 })
    notifier.configure([webhookChannel('ops', base)], local)
    notifier.send(notice(), 'ops')
    await recorded(1)
    notifier.send(notice({ id: 'ntc_2' }), 'ops')
    await recorded(2)
    expect(records[1]?.attempt).toMatchObject({ done: true, status: 0, error: 'the receiver answered 410 Gone before' })
    notifier.configure([webhookChannel('ops', `${base}/new`)], local)
    notifier.send(notice({ id: 'ntc_3' }), 'ops')
    await recorded(3)
    expect(received.map(({ path }) => path)).toEqual(['/', '/new'])
  })

  it('to a slow receiver holds up no other, and is left undone by a stop', async () => {
    answer = ({ path }) => ({ status: 200, after: path === '/slow' ? 1000 : 0 })
    notifier.configure([webhookChannel('slow', `${base}/slow`), webhookChannel('fast', `${base}/fast`)], local)
    notifier.send(notice(), 'slow')
    notifier.send(notice({ id: 'ntc_2' }), 'slow')
    notifier.send(notice(), 'fast')
    await recorded(1)
    expect(records[0]?.channel).toBe('fast')
    await notifier.stop()
    // The attempt under way was waited for and recorded; the one behind it is for the next start.
    expect(records.map(({ id, channel }) => [id, channel])).toEqual([
      ['ntc_1', 'fast'],
      ['ntc_1', 'slow'],
    ])
  })

  it('names a receiver that is not there without its URL', async () => {
    const gone = createServer()
    await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve))
    const { port } = gone.address() as AddressInfo
    await new Promise((resolve) => gone.close(resolve))
    notifier.configure([webhookChannel('ops', `http://127.0.0.1:${port}/secret-path`)], local)
    notifier.send(notice(), 'ops')
    await recorded(1)
    const error = 'the connection failed: ECONNREFUSED'
    expect(records[0]?.attempt).toEqual({ attempt: 1, done: false, status: 0, error })
    expect(logged.join()).not.toMatch(/secret-path/)
  })
})
