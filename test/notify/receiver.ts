import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Channel } from '../../collector/src/config/config.ts'
import { parseConfig } from '../../collector/src/config/read.ts'
import { type Deliverer, delivererOf } from '../../collector/src/notify/channels/deliverer.ts'
import type { Notice, NoticeAlert } from '../../collector/src/notify/notice.ts'
import type { Outcome } from '../../collector/src/notify/webhook.ts'

export interface Received {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Reply {
  readonly status: number
  readonly headers?: Record<string, string>
  readonly body?: string
}

/** A service on this machine, which answers as it is told to. */
export interface Receiver {
  readonly url: string
  readonly received: Received[]
  answer: (request: Received) => Reply
  close(): Promise<void>
}

export async function startReceiver(): Promise<Receiver> {
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const piece of request.setEncoding('utf8')) body += piece
    const one = { method: request.method!, path: request.url!, headers: request.headers, body }
    receiver.received.push(one)
    const { status, headers = {}, body: answer = '' } = receiver.answer(one)
    response.writeHead(status, headers).end(answer)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received: [],
    answer: () => ({ status: 200 }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return receiver
}

/** A channel as callsight.yaml has it. */
export function channelOf(written: object): Channel {
  const { config, faults } = parseConfig(JSON.stringify({ channels: { ops: written } }), 'test', {})
  if (config === undefined) throw new Error(JSON.stringify(faults))
  return config.channels[0]!
}

export function delivererTo(written: object, loopback = true): Deliverer {
  const allowPrivate = { loopback, ranges: [] }
  return delivererOf(channelOf(written), { externalUrl: () => 'http://collector:4319', allowPrivate })
}

export function deliver(written: object, notice: Notice, loopback = true): Promise<Outcome> {
  return delivererTo(written, loopback).deliver(notice, new AbortController().signal)
}

export const startMs = Date.UTC(2026, 10, 21, 10, 0, 5)

export function alertOf(changes: Partial<NoticeAlert> = {}, event: Partial<NoticeAlert['event']> = {}): NoticeAlert {
  return {
    event: {
      id: 'evt_1',
      atMs: startMs,
      rule: 'slow-checkout',
      fingerprint: 'f1',
      labels: { service: 'checkout', operation: 'POST /orders' },
      severity: 'page',
      state: 'firing',
      value: 412.3,
      threshold: 300,
      calls: 312,
      summary: 'slow-checkout: p95 is 412.3 ms, above 300 ms, in 312 calls of 5m',
      activeSinceMs: startMs,
      ...event,
    },
    startsAtMs: startMs,
    endsAtMs: undefined,
    links: {
      board: 'http://collector:4319/d/callsight-overview?var-service=checkout',
      calls: 'http://collector:4319/calls',
    },
    hurt: [
      { consumer: 'acme', calls: 120, failed: 40 },
      { consumer: '', calls: 9, failed: 1 },
    ],
    hurtConsumers: 5,
    compared: 'p95 was 120 ms in the same 5 minutes a week before',
    ...changes,
  }
}

export function noticeOf(changes: Partial<Notice> = {}): Notice {
  return {
    id: 'ntc_1',
    groupKey: '{}:{alertname="slow-checkout"}',
    groupLabels: { alertname: 'slow-checkout' },
    status: 'firing',
    reason: 'firing',
    alerts: [alertOf()],
    truncated: 0,
    createdMs: startMs + 60_000,
    ...changes,
  }
}

/** The same group when it is over. */
export function resolvedNotice(): Notice {
  const endsAtMs = startMs + 12 * 60_000
  return noticeOf({
    id: 'ntc_2',
    status: 'resolved',
    reason: 'resolved',
    alerts: [alertOf({ endsAtMs }, { state: 'resolved' })],
  })
}

/** What callers can put into their names, and more of it than any service takes. */
export function hostileNotice(): Notice {
  const text = `<!channel> <script>alert(1)</script> & *b* _i_ [x](http://evil.example) @everyone {{title}} "q" \\ \n## h ${'é👩‍👩‍👧 & < '.repeat(400)}`
  const alerts = Array.from({ length: 100 }, (_, i) => {
    const hurt = [{ consumer: text, calls: 10, failed: 5 }]
    return alertOf({ hurt, compared: text }, { rule: `rule ${i}`, labels: { service: text }, summary: `${i} ${text}` })
  })
  return noticeOf({ alerts, truncated: 7, groupLabels: { service: text }, groupKey: text })
}
