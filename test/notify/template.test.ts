import Ajv from 'ajv'
import addFormats from 'ajv-formats'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { placeholders } from '../../collector/src/config/template.ts'
import {
  deliver,
  delivererTo,
  hostileNotice,
  noticeOf,
  type Receiver,
  resolvedNotice,
  startReceiver,
} from './receiver.ts'

const ajv = addFormats.default(new Ajv({ allErrors: true }))
let receiver: Receiver
beforeAll(async () => {
  receiver = await startReceiver()
})
afterAll(() => receiver.close())
beforeEach(() => {
  receiver.received.length = 0
  receiver.answer = () => ({ status: 200, body: '{"ok":true,"result":{"message_id":7}}' })
})

describe('Discord', () => {
  /** Source: https://discord.com/developers/docs/resources/webhook#execute-webhook and its limits of embeds */
  const valid = ajv.compile({
    type: 'object',
    required: ['embeds', 'allowed_mentions'],
    additionalProperties: false,
    properties: {
      embeds: {
        type: 'array',
        minItems: 1,
        maxItems: 10,
        items: {
          type: 'object',
          additionalProperties: false,
          properties: {
            title: { type: 'string', minLength: 1, maxLength: 256 },
            description: { type: 'string', minLength: 1, maxLength: 4096 },
            url: { type: 'string', format: 'uri' },
            color: { type: 'integer', minimum: 0, maximum: 0xffffff },
            timestamp: { type: 'string', format: 'date-time' },
          },
        },
      },
      allowed_mentions: { type: 'object', properties: { parse: { type: 'array', maxItems: 0 } } },
    },
  })

  it.each([
    ['a firing group', noticeOf(), 0xd92d20],
    ['a resolved one', resolvedNotice(), 0x079455],
    ['what callers call themselves', hostileNotice(), 0xd92d20],
  ])('takes %s', async (_, notice, color) => {
    receiver.answer = () => ({ status: 204 })
    expect((await deliver({ discord: `${receiver.url}/api/webhooks/1/x` }, notice)).kind).toBe('delivered')
    const parsed = JSON.parse(receiver.received[0]!.body)
    expect(valid(parsed), JSON.stringify(valid.errors)).toBe(true)
    const [embed] = parsed.embeds
    expect(embed.title.length + embed.description.length).toBeLessThanOrEqual(6000)
    expect(embed.color).toBe(color)
    expect(embed.description).toContain('**For whom:** ')
    expect(embed.description).toContain('[Calls](http://collector:4319/calls)')
  })

  it('shows what callers call themselves as it is, and says what is left out', async () => {
    await deliver({ discord: receiver.url }, hostileNotice())
    const { description } = JSON.parse(receiver.received[0]!.body).embeds[0]
    expect(description).toContain('\\*b\\* \\_i\\_ \\[x\\](http://evil.example)')
    expect(description).toMatch(/\d+ more alerts left out here; the board has all of them\.$/)
  })

  it('says how long to wait in its answer', async () => {
    receiver.answer = () => ({
      status: 429,
      headers: { 'retry-after': '1' },
      body: '{"message":"slow down","retry_after":1.337}',
    })
    expect(await deliver({ discord: receiver.url }, noticeOf())).toMatchObject({ kind: 'later', retryAfterMs: 1337 })
  })
})

describe('Telegram', () => {
  /** Source: https://core.telegram.org/bots/api#sendmessage */
  const valid = ajv.compile({
    type: 'object',
    required: ['chat_id', 'text'],
    additionalProperties: false,
    properties: {
      chat_id: { type: 'string' },
      text: { type: 'string', minLength: 1, maxLength: 4096 },
      parse_mode: { const: 'HTML' },
      link_preview_options: { type: 'object', properties: { is_disabled: { type: 'boolean' } } },
      reply_parameters: {
        type: 'object',
        required: ['message_id'],
        additionalProperties: false,
        properties: { message_id: { type: 'integer' }, allow_sending_without_reply: { type: 'boolean' } },
      },
    },
  })
  const token = '110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw'
  const written = () => ({ telegram: { token, chat: '-100', url: receiver.url } })
  const messages = () =>
    receiver.received.map(({ path, body }) => {
      expect(path).toBe(`/bot${token}/sendMessage`)
      const parsed = JSON.parse(body)
      expect(valid(parsed), JSON.stringify(valid.errors)).toBe(true)
      return parsed
    })

  it('gets what broke, and the rest as answers to it', async () => {
    const deliverer = delivererTo(written())
    for (const notice of [noticeOf(), noticeOf({ reason: 'repeat' }), resolvedNotice(), noticeOf()]) {
      expect((await deliverer.deliver(notice, new AbortController().signal)).kind).toBe('delivered')
    }
    expect(messages().map(({ reply_parameters }) => reply_parameters?.message_id)).toEqual([undefined, 7, 7, undefined])
    expect(messages()[0].text).toBe(`<b>Firing: slow-checkout (checkout, POST /orders)</b>
slow-checkout: p95 is 412.3 ms, above 300 ms, in 312 calls of 5m
<b>Since:</b> 2026-11-21 10:00:05 UTC
<b>For whom:</b> acme: 40 of 120 calls, unknown callers: 1 of 9 calls, and 3 more consumers
<b>Compared:</b> p95 was 120 ms in the same 5 minutes a week before
<a href="http://collector:4319/d/callsight-overview?var-service=checkout">Board</a> · <a href="http://collector:4319/calls">Calls</a>`)
  })

  it('gets no tags but ours', async () => {
    await deliver(written(), hostileNotice())
    const tags = new Set(messages()[0].text.match(/<[^>]*>/g))
    for (const tag of tags) expect(tag).toMatch(/^<\/?b>$|^<a href="http:\/\/collector:4319\/[^"<>]*">$|^<\/a>$/)
  })

  it.each([
    [
      429,
      { ok: false, error_code: 429, description: 'Too Many Requests', parameters: { retry_after: 17 } },
      'later',
      17_000,
    ],
    [400, { ok: false, error_code: 400, description: 'Bad Request: chat not found' }, 'refused', undefined],
    [401, { ok: false, error_code: 401, description: 'Unauthorized' }, 'refused', undefined],
    [200, { ok: false, description: 'no' }, 'refused', undefined],
  ])('answers %i %o', async (status, body, kind, retryAfterMs) => {
    receiver.answer = () => ({ status, body: JSON.stringify(body) })
    const outcome = await deliver(written(), noticeOf())
    expect(outcome).toEqual({ kind, status, error: `Telegram says ${body.description}`, retryAfterMs })
  })

  it('that repeats the token is not repeated', async () => {
    receiver.answer = ({ path }) => ({ status: 404, body: `no ${path} nor ${token}` })
    expect((await deliver(written(), noticeOf())).error).toBe('HTTP 404: no … nor …')
  })
})

describe('a template', () => {
  const body = '{"t":"{{title}}","s":"{{ summary }}","l":"{{labels.service}}","none":"{{labels.nothing}}"}'

  it('in JSON is filled so that it stays JSON', async () => {
    const headers = { 'Content-Type': 'application/json', 'X-Title': '{{title}}', authorization: 'Bearer very-secret' }
    await deliver({ template: { url: receiver.url, headers, body } }, hostileNotice())
    const { headers: sent, body: text } = receiver.received[0]!
    const filled = JSON.parse(text)
    expect(filled.s).toMatch(/^0 <!channel> <script>alert\(1\)<\/script> & \*b\* .*\{\{title\}\} "q" \\ ## h/)
    expect(filled.none).toBe('')
    expect(sent['content-type']).toBe('application/json')
    expect(sent['x-title']).toMatch(/^Firing: rule 0, rule 1, 98 more rules, 107 alerts .<!channel>/)
  })

  it('that is a map keeps numbers, and is safe by construction', async () => {
    const template = {
      url: receiver.url,
      method: 'PUT',
      body: { a: ['{{status}}: {{title}}'], n: '{{color}}', k: 5, t: '{{text}}' },
      format: 'html',
    }
    await deliver({ template }, hostileNotice())
    const { method, body: text } = receiver.received[0]!
    const filled = JSON.parse(text)
    expect(method).toBe('PUT')
    expect(filled).toMatchObject({ n: 0xd92d20, k: 5 })
    expect(filled.a[0]).toMatch(/^firing: Firing: rule 0/)
    expect(filled.t).not.toContain('<script>')
  })

  it('as a form or as XML is escaped for it', async () => {
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    await deliver({ template: { url: receiver.url, headers: form, body: 'a={{summary}}&b=1' } }, hostileNotice())
    const fields = new URLSearchParams(receiver.received[0]!.body)
    expect([...fields.keys()]).toEqual(['a', 'b'])
    await deliver(
      { template: { url: receiver.url, headers: { 'content-type': 'text/xml' }, body: '<a>{{summary}}</a>' } },
      hostileNotice(),
    )
    expect(receiver.received[1]!.body).not.toContain('<script>')
  })

  it('as plain text reads well', async () => {
    await deliver({ template: { url: receiver.url, body: '{{title}}\n{{text}}' } }, resolvedNotice())
    expect(receiver.received[0]!.headers['content-type']).toBe('text/plain; charset=utf-8')
    expect(receiver.received[0]!.body).toBe(`Resolved: slow-checkout (checkout, POST /orders)
slow-checkout: p95 is 412.3 ms, above 300 ms, in 312 calls of 5m
Since: 2026-11-21 10:00:05 UTC until 2026-11-21 10:12:05 UTC, 12 min
For whom: acme: 40 of 120 calls, unknown callers: 1 of 9 calls, and 3 more consumers
Compared: p95 was 120 ms in the same 5 minutes a week before
Board: http://collector:4319/d/callsight-overview?var-service=checkout
Calls: http://collector:4319/calls`)
  })

  it('keeps a secret of its headers out of errors', async () => {
    receiver.answer = ({ headers }) => ({ status: 403, body: `not ${headers.authorization}` })
    const template = { url: receiver.url, headers: { authorization: 'Bearer very-secret-token' }, body: 'x' }
    expect((await deliver({ template }, noticeOf())).error).toBe('HTTP 403: not …')
  })

  it('has a value for every placeholder', async () => {
    const text = placeholders.map((name) => `[${name}={{${name}}}]`).join('')
    await deliver({ template: { url: receiver.url, body: text } }, noticeOf())
    for (const name of placeholders) expect(receiver.received[0]!.body).toMatch(new RegExp(`\\[${name}=[^\\]]`))
  })
})
