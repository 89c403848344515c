import Ajv from 'ajv'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  deliver,
  delivererTo,
  hostileNotice,
  noticeOf,
  type Receiver,
  resolvedNotice,
  startReceiver,
} from './receiver.ts'

/**
 * What Slack takes of blocks. Sources: https://docs.slack.dev/reference/block-kit/blocks/header-block, /section-block,
 * /context-block; https://docs.slack.dev/reference/methods/chat.postMessage (50 blocks; text of at most 40,000, 4000 advised).
 */
const text = (type: string, maxLength: number) => ({
  type: 'object',
  required: ['type', 'text'],
  additionalProperties: false,
  properties: { type: { const: type }, text: { type: 'string', minLength: 1, maxLength }, emoji: { type: 'boolean' } },
})
const block = (type: string, properties: object) => ({
  type: 'object',
  required: ['type', ...Object.keys(properties)],
  additionalProperties: false,
  properties: { type: { const: type }, ...properties },
})
const message = {
  type: 'object',
  required: ['text', 'blocks'],
  additionalProperties: false,
  properties: {
    text: { type: 'string', minLength: 1, maxLength: 4000 },
    unfurl_links: { type: 'boolean' },
    unfurl_media: { type: 'boolean' },
    channel: { type: 'string' },
    ts: { type: 'string', pattern: '^\\d+\\.\\d+$' },
    thread_ts: { type: 'string', pattern: '^\\d+\\.\\d+$' },
    reply_broadcast: { type: 'boolean' },
    blocks: {
      type: 'array',
      minItems: 1,
      maxItems: 50,
      items: {
        oneOf: [
          block('header', { text: text('plain_text', 150) }),
          block('section', { text: text('mrkdwn', 3000) }),
          block('context', { elements: { type: 'array', minItems: 1, maxItems: 10, items: text('mrkdwn', 3000) } }),
        ],
      },
    },
  },
}
const valid = new Ajv({ allErrors: true }).compile(message)

let receiver: Receiver
beforeAll(async () => {
  receiver = await startReceiver()
})
afterAll(() => receiver.close())
beforeEach(() => {
  receiver.received.length = 0
  receiver.answer = () => ({ status: 200, body: 'ok' })
})

/** The messages sent, each of which Slack takes. */
function sent(): { path: string; body: Record<string, unknown> & { blocks: { text: { text: string } }[] } }[] {
  return receiver.received.map(({ path, body }) => {
    const parsed = JSON.parse(body)
    expect(valid(parsed), JSON.stringify(valid.errors)).toBe(true)
    return { path, body: parsed }
  })
}

describe('an incoming webhook', () => {
  it('says what broke, since when, for whom, compared with when, and where to look', async () => {
    expect((await deliver({ slack: receiver.url }, noticeOf())).kind).toBe('delivered')
    const { blocks } = sent()[0]!.body
    expect(blocks[0]!.text.text).toBe('Firing: slow-checkout (checkout, POST /orders)')
    expect(blocks[1]!.text.text).toBe(`:red_circle: slow-checkout: p95 is 412.3 ms, above 300 ms, in 312 calls of 5m
*Since:* 2026-11-21 10:00:05 UTC
*For whom:* acme: 40 of 120 calls, unknown callers: 1 of 9 calls, and 3 more consumers
*Compared:* p95 was 120 ms in the same 5 minutes a week before
<http://collector:4319/d/callsight-overview?var-service=checkout|Board> · <http://collector:4319/calls|Calls>`)
    await deliver({ slack: receiver.url }, resolvedNotice())
    const resolved = sent()[1]!.body.blocks
    expect(resolved[0]!.text.text).toMatch(/^Resolved: /)
    expect(resolved[1]!.text.text).toContain('*Since:* 2026-11-21 10:00:05 UTC until 2026-11-21 10:12:05 UTC, 12 min')
  })

  it('stays within the limits, mentions nobody, and says what is left out', async () => {
    await deliver({ slack: receiver.url }, hostileNotice())
    const { blocks, text } = sent()[0]!.body
    expect(JSON.stringify(blocks.slice(1))).not.toMatch(/<!channel>|<script>/)
    expect(text).toContain('&lt;!channel&gt;')
    expect(JSON.stringify(blocks.at(-1))).toContain('87 more alerts left out here; the board has all of them.')
  })

  it.each([
    [{ status: 200, body: 'no_text' }, 'refused', 'the answer was not ok: no_text'],
    [{ status: 400, body: 'invalid_payload' }, 'refused', 'HTTP 400: invalid_payload'],
    [{ status: 410, body: 'channel_is_archived' }, 'gone', 'HTTP 410: channel_is_archived'],
    [{ status: 500, body: 'rollup_error' }, 'later', 'HTTP 500: rollup_error'],
  ])('that answers %o', async (reply, kind, error) => {
    receiver.answer = () => reply
    expect(await deliver({ slack: receiver.url }, noticeOf())).toMatchObject({ kind, error })
  })
})

describe('an application', () => {
  const written = () => ({ slack: { token: 'xoxb-very-secret', channel: '#ops', url: `${receiver.url}/api` } })
  const fine = { status: 200, body: JSON.stringify({ ok: true, channel: 'C1', ts: '1700000000.000100' }) }
  const stop = new AbortController().signal

  it('updates the first message, and tells the rest in its thread', async () => {
    receiver.answer = () => fine
    const deliverer = delivererTo(written())
    await deliverer.deliver(noticeOf(), stop)
    await deliverer.deliver(noticeOf({ id: 'ntc_r', reason: 'repeat' }), stop)
    await deliverer.deliver(resolvedNotice(), stop)
    await deliverer.deliver(noticeOf({ id: 'ntc_3' }), stop)
    expect(receiver.received[0]!.headers.authorization).toBe('Bearer xoxb-very-secret')
    const told = sent().map(({ path, body }) => [path, body.channel, body.ts ?? body.thread_ts, body.reply_broadcast])
    expect(told).toEqual([
      ['/api/chat.postMessage', '#ops', undefined, undefined],
      ['/api/chat.update', 'C1', '1700000000.000100', undefined],
      ['/api/chat.postMessage', 'C1', '1700000000.000100', true],
      ['/api/chat.update', 'C1', '1700000000.000100', undefined],
      ['/api/chat.postMessage', 'C1', '1700000000.000100', false],
      // It is over: the next is a message of its own.
      ['/api/chat.postMessage', '#ops', undefined, undefined],
    ])
    expect(JSON.stringify(sent()[3]!.body.blocks)).toContain('Resolved: slow-checkout')
  })

  it('answers in the thread when the first message can no longer be updated, and tries both again when Slack is away', async () => {
    receiver.answer = () => fine
    const deliverer = delivererTo(written())
    await deliverer.deliver(noticeOf(), stop)
    receiver.answer = () => ({ status: 429, headers: { 'retry-after': '30' }, body: '' })
    expect(await deliverer.deliver(resolvedNotice(), stop)).toMatchObject({ kind: 'later', retryAfterMs: 30_000 })
    expect(receiver.received).toHaveLength(2)
    receiver.answer = ({ path }) =>
      path.endsWith('update') ? { status: 200, body: '{"ok":false,"error":"edit_window_closed"}' } : fine
    expect((await deliverer.deliver(resolvedNotice(), stop)).kind).toBe('delivered')
    expect(sent().at(-1)!.body.thread_ts).toBe('1700000000.000100')
  })

  it.each([
    ['ratelimited', 'later'],
    ['internal_error', 'later'],
    ['invalid_auth', 'refused'],
    ['channel_not_found', 'refused'],
  ])('that answers 200 and %s', async (error, kind) => {
    receiver.answer = () => ({ status: 200, body: JSON.stringify({ ok: false, error }) })
    expect(await deliver(written(), noticeOf())).toMatchObject({ kind, error: `Slack says ${error}` })
  })

  it('that is not Slack', async () => {
    receiver.answer = () => ({ status: 200, body: '<html>xoxb-very-secret' })
    expect(await deliver(written(), noticeOf())).toMatchObject({
      kind: 'refused',
      error: 'the answer is not one of Slack’s',
    })
  })
})
