import type { SlackChannel } from '../../config/config.ts'
import { limits } from '../../limits.ts'
import type { Guard } from '../guard.ts'
import { clipped, fitted, type Message, type MessageAlert } from '../message.ts'
import type { Notice } from '../notice.ts'
import { type Answer, firstWords, jsonOf, judgeAnswer, type Outcome, outcomeOf, post } from '../webhook.ts'
import type { Deliverer } from './deliverer.ts'
import { Threads } from './threads.ts'

/**
 * Slack by an incoming webhook (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks), which can
 * only add messages, or by an application's token (chat.postMessage, chat.update): the first message of a group is
 * updated to what is true now, and what happens later is told in its thread.
 */
export function slackDeliverer(channel: SlackChannel, guard: Guard): Deliverer {
  const { url, application } = channel
  if (application !== undefined) return applicationDeliverer(url, application, guard)
  return {
    deliver(notice, stop) {
      return post({ url, headers: {}, body: JSON.stringify(slackMessage(notice)) }, guard, stop, judgeWebhook)
    },
  }
}

interface Application {
  readonly token: string
  readonly channel: string
}

function applicationDeliverer(url: string, { token, channel }: Application, guard: Guard): Deliverer {
  const threads = new Threads()
  const base = url.replace(/\/+$/, '')
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json; charset=utf-8' }
  /** @param told is given what Slack calls the message */
  const call = (method: string, content: object, stop: AbortSignal, told: (message: string) => void = () => {}) =>
    post({ url: `${base}/${method}`, headers, body: JSON.stringify(content) }, guard, stop, (answer) => {
      const { channel, ts } = jsonOf<ApiAnswer>(answer)
      const outcome = judgeApi(answer)
      if (outcome.kind === 'delivered' && channel !== undefined && ts !== undefined) told(`${channel} ${ts}`)
      return outcome
    })
  return {
    async deliver(notice, stop) {
      const { groupKey, reason, status } = notice
      const message = slackMessage(notice)
      const first = threads.get(groupKey)
      if (first === undefined) {
        const remember = (sent: string) =>
          status === 'firing' && reason !== 'test' && reason !== 'threshold' && threads.set(groupKey, sent)
        return call('chat.postMessage', { channel, ...message }, stop, remember)
      }
      const [place, ts] = first.split(' ')
      // The update comes first: it may be repeated, the reply may not. One that Slack refuses leaves the reply.
      const updated = await call('chat.update', { channel: place, ts, ...message }, stop)
      if (updated.kind === 'later' || updated.kind === 'cut') return updated
      const reply = { channel: place, thread_ts: ts, reply_broadcast: reason === 'repeat', ...message }
      const told = await call('chat.postMessage', reply, stop)
      if (told.kind === 'delivered' && status === 'resolved') threads.delete(groupKey)
      return told
    },
  }
}

/** Blocks after https://docs.slack.dev/reference/block-kit/blocks, and the text that notifications on a phone show. */
export function slackMessage(notice: Notice): { text: string; blocks: object[] } {
  const render = (message: Message) => ({
    text: clipped([message.title, message.alerts[0]?.summary ?? ''].join(' — '), limits.slackSectionChars, safe),
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: message.title, emoji: false } },
      ...message.alerts.map((alert) => ({ type: 'section', text: { type: 'mrkdwn', text: section(alert) } })),
      ...(message.leftOut === ''
        ? []
        : [{ type: 'context', elements: [{ type: 'mrkdwn', text: safe(message.leftOut) }] }]),
    ],
    unfurl_links: false,
    unfurl_media: false,
  })
  return fitted(notice, render, ({ blocks }) => blocks.length <= 50)
}

function section({ status, summary, facts, links }: MessageAlert): string {
  const lines = [
    `${status === 'firing' ? ':red_circle:' : ':white_check_mark:'} ${clipped(summary, limits.noticeSummaryChars, safe)}`,
    ...facts.map(({ name, value }) => `*${name}:* ${clipped(value, limits.noticeFactChars, safe)}`),
    links.map(({ name, url }) => `<${linkTarget(url)}|${name}>`).join(' · '),
  ]
  return lines.filter((line) => line !== '').join('\n')
}

/** https://docs.slack.dev/messaging/formatting-message-text#escaping; nobody is mentioned by a name in angle brackets. */
function safe(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')
}

function linkTarget(url: string): string {
  return url.replace(/\|/g, '%7C').replace(/</g, '%3C').replace(/>/g, '%3E')
}

interface ApiAnswer {
  ok: boolean
  error: string
  channel: string
  ts: string
}

/** A webhook answers 200 and `ok`. */
function judgeWebhook(answer: Answer): Outcome {
  const outcome = judgeAnswer(answer)
  if (outcome.kind !== 'delivered' || answer.text.trim() === 'ok') return outcome
  return outcomeOf('refused', `the answer was not ok: ${firstWords(answer.text)}`, answer.status)
}

/** The Web API answers 200 and says in `ok` what it means; https://docs.slack.dev/reference/methods/chat.postMessage. */
function judgeApi(answer: Answer): Outcome {
  const outcome = judgeAnswer(answer)
  if (outcome.kind !== 'delivered') return outcome
  const { ok, error } = jsonOf<ApiAnswer>(answer)
  if (ok === true) return outcome
  if (typeof error !== 'string') return outcomeOf('refused', 'the answer is not one of Slack’s', answer.status)
  return outcomeOf(passing.has(error) ? 'later' : 'refused', `Slack says ${firstWords(error)}`, answer.status)
}

/** What Slack says when it may do better a little later. */
const passing = new Set([
  'accesslimited',
  'fatal_error',
  'internal_error',
  'ratelimited',
  'rate_limited',
  'request_timeout',
  'service_unavailable',
  'team_added_to_org',
])
