import type { TemplateChannel } from '../../config/config.ts'
import { type Placeholder, placeholderPattern } from '../../config/template.ts'
import type { Guard } from '../guard.ts'
import { clipped, fitted, hurtText, type Message, timeWords } from '../message.ts'
import type { Notice } from '../notice.ts'
import { type Answer, firstWords, jsonOf, judgeAnswer, type Outcome, outcomeOf, post } from '../webhook.ts'
import type { Deliverer } from './deliverer.ts'
import { formats, textOf } from './text.ts'
import { Threads } from './threads.ts'

/** Any service that takes text in a request of a shape of its own. */
export function templateDeliverer(channel: TemplateChannel, guard: Guard): Deliverer {
  const { kind, url, method, headers } = channel
  const threads = new Threads()
  return {
    async deliver(notice, stop) {
      const { groupKey, status, reason } = notice
      const values = valuesOf(notice, channel, threads.get(groupKey))
      const body = bodyOf(channel, values)
      const filled = Object.fromEntries(
        Object.entries(headers).map(([name, text]) => [name, fill(text, values, headerText)]),
      )
      return post({ url, method, headers: filled, body }, guard, stop, (answer) => {
        const outcome =
          kind === 'telegram' ? judgeTelegram(answer) : kind === 'discord' ? judgeDiscord(answer) : judgeAnswer(answer)
        if (outcome.kind !== 'delivered' || reason === 'test' || reason === 'threshold') return outcome
        const sent = kind === 'telegram' ? jsonOf<TelegramAnswer>(answer).result?.message_id : undefined
        if (status === 'resolved') threads.delete(groupKey)
        else if (sent !== undefined && values.thread === undefined) threads.set(groupKey, String(sent))
        return outcome
      })
    },
  }
}

type Value = string | number | undefined
type Values = Readonly<Record<string, Value>>

function bodyOf({ body, headers }: TemplateChannel, values: Values): string {
  if (typeof body !== 'string') return JSON.stringify(filledMap(body, values, true))
  const type = Object.entries(headers).find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? ''
  return fill(body, values, escapeFor(type))
}

/** What the placeholders stand for, safe for its readers; safe for its place in the body is made where it is put. */
export function valuesOf(notice: Notice, { format, maxChars }: TemplateChannel, thread?: string): Values {
  const { safe } = formats[format]
  const render = (message: Message) => ({ message, text: textOf(message, format) })
  const { message, text } = fitted(notice, render, (rendered) => rendered.text.length <= maxChars)
  const [alert] = notice.alerts
  const short = (value: string) => clipped(value, 1000, safe)
  const known: Record<Placeholder, Value> = {
    title: safe(message.title),
    text,
    status: notice.status,
    reason: notice.reason,
    severity: short(message.severity),
    rule: short(alert?.event.rule ?? ''),
    summary: short(alert?.event.summary ?? ''),
    since: alert === undefined ? '' : timeWords(alert.startsAtMs),
    hurt: alert === undefined ? '' : short(hurtText(alert.hurt, alert.hurtConsumers)),
    compared: short(alert?.compared ?? ''),
    board: alert?.links.board ?? '',
    calls: alert?.links.calls ?? '',
    id: notice.id,
    group_key: notice.groupKey,
    time: new Date(notice.createdMs).toISOString(),
    color: notice.status === 'firing' ? 0xd92d20 : 0x079455,
  }
  const labels = Object.entries({ ...alert?.event.labels, ...notice.groupLabels }).map(([name, value]) => {
    return [`labels.${name}`, short(value)] as const
  })
  return { ...Object.fromEntries(labels), ...known, thread: thread === undefined ? undefined : Number(thread) }
}

/**
 * A value with its placeholders filled. A text that is one placeholder becomes its value, so that a number stays one. What
 * needs a placeholder that has no value is left out, with the map it is in, but never the whole.
 */
function filledMap(value: unknown, values: Values, whole = false): unknown {
  if (typeof value === 'string') {
    const alone = new RegExp(`^${placeholderPattern.source}$`).exec(value)?.[1]
    return alone === undefined
      ? fill(value, values, (same) => same)
      : alone === 'thread'
        ? values.thread
        : (values[alone] ?? '')
  }
  if (Array.isArray(value)) return value.map((entry) => filledMap(entry, values)).filter((entry) => entry !== undefined)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([name, entry]) => [name, filledMap(entry, values)] as const)
  const missing = entries.some(([, entry]) => entry === undefined)
  return missing && !whole ? undefined : Object.fromEntries(entries.filter(([, entry]) => entry !== undefined))
}

/** A label that an alert does not have is empty. */
function fill(text: string, values: Values, safe: (text: string) => string): string {
  return text.replace(placeholderPattern, (_, name: string) => safe(String(values[name] ?? '')))
}

function escapeFor(contentType: string): (text: string) => string {
  if (/json/i.test(contentType)) return (text) => JSON.stringify(text).slice(1, -1)
  if (/x-www-form-urlencoded/i.test(contentType)) return encodeURIComponent
  if (/\b(xml|html)\b/i.test(contentType)) return formats.html.safe
  return (text) => text
}

/** A header takes one line of ASCII. */
function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e]+/g, ' ')
}

interface TelegramAnswer {
  ok: boolean
  description: string
  parameters: { retry_after?: number }
  result: { message_id?: number }
}

/** https://core.telegram.org/bots/api#making-requests */
function judgeTelegram(answer: Answer): Outcome {
  const { ok, description, parameters } = jsonOf<TelegramAnswer>(answer)
  if (ok === true) return outcomeOf('delivered', '', answer.status)
  const said = judgeAnswer(answer)
  const error =
    description === undefined
      ? said.error || 'the answer is not one of Telegram’s'
      : `Telegram says ${firstWords(description)}`
  const wait = parameters?.retry_after
  if (wait !== undefined) return outcomeOf('later', error, answer.status, wait * 1000)
  return { ...said, kind: said.kind === 'delivered' ? 'refused' : said.kind, error }
}

/** https://discord.com/developers/docs/topics/rate-limits: how long to wait stands in the body, to the millisecond. */
function judgeDiscord(answer: Answer): Outcome {
  const outcome = judgeAnswer(answer)
  const { retry_after: wait } = jsonOf<{ retry_after: number }>(answer)
  return answer.status === 429 && typeof wait === 'number' ? { ...outcome, retryAfterMs: wait * 1000 } : outcome
}
