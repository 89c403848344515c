import { z } from 'zod'
import {
  type Channel,
  type EmailChannel,
  type PagerDutyChannel,
  pagerDutySeverities,
  type SlackChannel,
  type TemplateChannel,
  type WebhookChannel,
} from '../config.ts'
import { Unreadable } from '../fault.ts'
import { checkPlaceholders, isJsonTemplate, parseBody } from '../template.ts'
import { parseHttpUrl, parseSmtpUrl } from '../url.ts'
import { discordTemplate, telegramTemplate } from './service.ts'
import { count, flag, measure, oneOrMore, read, text, word } from './value.ts'

const secret = text((value) => {
  if (value.startsWith('whsec_') && !/^[A-Za-z0-9+/]+={0,2}$/.test(value.slice(6))) {
    throw new Unreadable('starts with whsec_ but goes on with something else than base64', 'copy the whole secret')
  }
  return value
})

const url = text(parseHttpUrl)

const teamsUrl = text((value) => {
  if (/^https:\/\/[^/]*\.?webhook\.office\.com\//.test(value)) {
    throw new Unreadable(
      'is an Office 365 connector, which Microsoft has retired',
      'make a workflow in Teams: "Post to a channel when a webhook request is received"',
    )
  }
  return parseHttpUrl(value)
})

const mailbox = text((value) => {
  if (/^[^\s@<>,]+@[^\s@<>,]+$/.test(value) || /^[^<>\r\n]*<[^\s@<>,]+@[^\s@<>,]+>$/.test(value)) return value
  throw new Unreadable('is not an e-mail address', 'write it as alerts@example.com, or Callsight <alerts@example.com>')
})

const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const header = text((value) => {
  if (/[\r\n\0]/.test(value)) throw new Unreadable('has more than one line', 'write one line')
  return checkPlaceholders(value)
})

/** A channel's name or a URL; whether the channel exists is asked later, with every other reference. */
export const receiver = text((value) => (value.includes('://') ? parseHttpUrl(value) : value))

export const slackShape = {
  webhook: url.optional(),
  token: text().optional(),
  channel: text().optional(),
  url: url.optional(),
}
export const pagerdutyShape = {
  routing_key: text(),
  severity: z.record(z.string(), word(pagerDutySeverities)).optional(),
  url: url.optional(),
}
export const emailShape = { to: oneOrMore(mailbox), from: mailbox, smtp: text(parseSmtpUrl), ca: text().optional() }
export const telegramShape = { token: text(), chat: measure((value) => value), url: url.optional() }
export const templateShape = {
  url,
  method: word(['POST', 'PUT', 'PATCH']).optional(),
  headers: z.record(z.string(), header).optional(),
  body: read(parseBody),
  format: word(['plain', 'markdown', 'html']).optional(),
  max_chars: count(100).optional(),
}

/** Of these exactly one says what kind of channel it is. */
const kindShape = {
  webhook: url.optional(),
  slack: z
    .preprocess((value) => (typeof value === 'string' ? { webhook: value } : value), z.strictObject(slackShape))
    .optional(),
  teams: teamsUrl.optional(),
  pagerduty: z.strictObject(pagerdutyShape).optional(),
  email: z.strictObject(emailShape).optional(),
  alertmanager: url.optional(),
  discord: url.optional(),
  telegram: z.strictObject(telegramShape).optional(),
  template: z.strictObject(templateShape).optional(),
}
export const channelShape = { ...kindShape, secret: oneOrMore(secret).optional(), allow_private: flag.optional() }

const kinds = Object.keys(kindShape)
type Written = z.output<z.ZodObject<typeof channelShape>>

/** The channels of the file, by name. */
export const channels = z
  .record(
    z.string(),
    z.strictObject(channelShape).superRefine((written, context) => {
      for (const { path, what, remedy } of misfits(written)) {
        context.addIssue({ code: 'custom', path, message: what, params: { remedy } })
      }
    }),
  )
  .transform((given): Channel[] => Object.entries(given).map(([name, written]) => channelOf(name, written)))

/** Parts that are well written and do not go together. */
function misfits(written: Written): { path: string[]; what: string; remedy: string }[] {
  const given = kinds.filter((kind) => written[kind as keyof Written] !== undefined)
  if (given.length === 0) {
    return [{ path: [], what: 'does not say where notices go', remedy: `write one of ${kinds.join(', ')}` }]
  }
  if (given.length > 1) {
    const what = `goes to ${given.join(' and ')}: a channel has one receiver`
    return [{ path: [given[1]!], what, remedy: 'make a channel of each, and name both in notify' }]
  }
  const found = []
  if (written.secret !== undefined && written.webhook === undefined) {
    const what = `only a webhook is signed, not ${given[0]}`
    found.push({ path: ['secret'], what, remedy: 'remove it' })
  }
  const { slack, template } = written
  if (slack !== undefined && (slack.webhook === undefined) === (slack.token === undefined)) {
    const remedy = 'write webhook: URL, or token: and channel:'
    found.push({ path: ['slack'], what: 'needs either an incoming webhook or a token', remedy })
  } else if (slack !== undefined && (slack.token === undefined) !== (slack.channel === undefined)) {
    const remedy = 'write token: and channel: together, and neither beside webhook:'
    found.push({ path: ['slack'], what: 'has one of token and channel without the other', remedy })
  }
  return [...found, ...(template === undefined ? [] : templateMisfits(template))]
}

function templateMisfits({ body, headers = {} }: NonNullable<Written['template']>) {
  const found = Object.keys(headers)
    .filter((name) => !headerName.test(name))
    .map((name) => ({ path: ['template', 'headers', name], what: 'is not the name of a header', remedy: 'rename it' }))
  if (typeof body === 'string' && /json/i.test(contentType(headers) ?? '') && !isJsonTemplate(body)) {
    const remedy = 'put each {{placeholder}} inside of quotes, or write the body as a map'
    found.push({ path: ['template', 'body'], what: 'is not JSON', remedy })
  }
  return found
}

function contentType(headers: Readonly<Record<string, string>>): string | undefined {
  return Object.entries(headers).find(([name]) => name.toLowerCase() === 'content-type')?.[1]
}

function channelOf(name: string, written: Written): Channel {
  const about = { name, allowPrivate: written.allow_private ?? false }
  const { webhook, slack, teams, pagerduty, email, alertmanager, discord, telegram, template } = written
  if (webhook !== undefined)
    return { ...about, kind: 'webhook', url: webhook, secrets: written.secret ?? [] } satisfies WebhookChannel
  if (slack !== undefined) return { ...about, ...slackOf(slack) }
  if (teams !== undefined) return { ...about, kind: 'teams', url: teams }
  if (pagerduty !== undefined) return { ...about, ...pagerdutyOf(pagerduty) }
  if (email !== undefined) return { ...about, kind: 'email', ...email, ca: email.ca } satisfies EmailChannel
  if (alertmanager !== undefined) return { ...about, kind: 'alertmanager', url: alertmanager }
  if (discord !== undefined) return { ...about, ...discordTemplate(discord) }
  if (telegram !== undefined) return { ...about, ...telegramTemplate(telegram) }
  return { ...about, ...templateOf(template!) }
}

type Bare<C> = Omit<C, 'name' | 'allowPrivate'>

function slackOf({ webhook, token, channel, url }: NonNullable<Written['slack']>): Bare<SlackChannel> {
  if (token === undefined || channel === undefined) return { kind: 'slack', url: webhook!, application: undefined }
  return { kind: 'slack', url: url ?? 'https://slack.com/api', application: { token, channel } }
}

function pagerdutyOf({ routing_key, severity, url }: NonNullable<Written['pagerduty']>): Bare<PagerDutyChannel> {
  return {
    kind: 'pagerduty',
    url: url ?? 'https://events.pagerduty.com',
    routingKey: routing_key,
    severity: { page: 'critical', critical: 'critical', error: 'error', info: 'info', ...severity },
  }
}

function templateOf(template: NonNullable<Written['template']>): Bare<TemplateChannel> {
  const { url, method = 'POST', headers = {}, body, format = 'plain', max_chars = 4000 } = template
  const type = typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json'
  const typed = contentType(headers) === undefined ? { 'content-type': type, ...headers } : headers
  return { kind: 'template', url, method, headers: typed, body, format, maxChars: max_chars }
}
