import { z } from 'zod'
import { limits } from '../limits.ts'
import { parseAddress } from './address.ts'
import { parseCondition } from './condition.ts'
import { type AlertRule, alertLabels, type Config, defaultConfig, profiles } from './config.ts'
import { parseDurationMs, parseDurationUs } from './duration.ts'
import { nearest, quoted, Unreadable } from './fault.ts'
import { parsePeriod } from './period.ts'
import { defaultRetention, leastRetentionDays, type Retention, type RetentionKey, retentionKeys } from './retention.ts'
import { parseShare } from './share.ts'
import { parseHttpUrl } from './url.ts'

/** A value that `parse` reads; what it throws becomes an issue with a remedy. */
function read<T>(parse: (value: unknown) => T) {
  return z.unknown().transform((value, context): T => {
    try {
      if (value === undefined || value === null) throw new Unreadable('is missing', 'add it')
      return parse(value)
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error
      context.addIssue({ code: 'custom', message: error.message, params: { remedy: error.remedy } })
      return z.NEVER
    }
  })
}

/** Text, read further by `parse`. The value is not shown when it is of another type: it may be a misplaced secret. */
function text<T = string>(parse: (text: string) => T = (given) => given as T) {
  return read((value) => {
    if (typeof value === 'number')
      throw new Unreadable(`${value} is a number, not text`, `put it in quotes: "${value}"`)
    if (typeof value !== 'string') throw new Unreadable('is not text', 'write one word or put it in quotes')
    if (value.trim() === '') throw new Unreadable('is empty', 'write something or leave the key out')
    return parse(value)
  })
}

/** A duration, percentage or count: YAML makes a number of some of them. */
function measure<T>(parse: (text: string) => T) {
  return read((value) => {
    if (typeof value !== 'string' && typeof value !== 'number') {
      throw new Unreadable(`${quoted(value)} is neither a number nor text`, 'write one value')
    }
    return parse(String(value))
  })
}

const duration = (min: number, max: number) => measure((value) => parseDurationMs(value, min, max))

const count = (min: number) =>
  measure((value) => {
    const number = Number(value)
    if (!/^\d+$/.test(value.trim()) || !Number.isSafeInteger(number) || number < min) {
      throw new Unreadable(`${quoted(value)} is not a whole number from ${min}`, `write it in digits: ${min + 1}`)
    }
    return number
  })

const flag = read((value) => {
  if (typeof value === 'boolean') return value
  throw new Unreadable(`${quoted(value)} is neither true nor false`, 'write true or false')
})

/** One of the words; `later` are those that the design names and this version does not do. */
function word<W extends string>(words: readonly W[], later: readonly string[] = []) {
  return measure((value): W => {
    if (words.includes(value as W)) return value as W
    if (later.includes(value)) throw new Unreadable(`${value} is not supported yet`, `use ${words.join(', ')}`)
    const near = nearest(value, words)
    throw new Unreadable(
      `${quoted(value)} is not known here`,
      near ? `did you mean ${near}?` : `use ${words.join(', ')}`,
    )
  })
}

const sha256 = text((value) => {
  const hex = value.replace(/^sha256:/, '')
  if (!/^[0-9a-f]{64}$/i.test(hex)) {
    throw new Unreadable('is not a SHA-256', 'write 64 hexadecimal digits: printf %s "$KEY" | sha256sum')
  }
  return hex.toLowerCase()
})

const name = text((value) => {
  if (!/^[\p{L}\p{N}][\p{L}\p{N} ._:/-]*$/u.test(value) || value.length > limits.nameChars) {
    throw new Unreadable(
      `${quoted(value)} is not a name`,
      `start with a letter or digit, go on with those, blank or . _ : / -, at most ${limits.nameChars} characters`,
    )
  }
  return value
})

const timeZone = text((value) => {
  try {
    new Intl.DateTimeFormat('en', { timeZone: value })
  } catch {
    throw new Unreadable(`${quoted(value)} is not a time zone`, 'write an IANA name: Europe/Berlin')
  }
  return value
})

const storeUrl = text((value) => {
  if (value.startsWith('embedded:') || /^https?:\/\/[^/]/.test(value)) return value
  throw new Unreadable('is not the place of a store', 'write embedded:DIR or https://user:password@host:8443/callsight')
})

const secret = text((value) => {
  if (value.startsWith('whsec_') && !/^[A-Za-z0-9+/]+={0,2}$/.test(value.slice(6))) {
    throw new Unreadable('starts with whsec_ but goes on with something else than base64', 'copy the whole secret')
  }
  return value
})

const url = text(parseHttpUrl)

/** A channel's name or a URL; whether the channel exists is asked later, with every other reference. */
const receiver = text((value) => (value.includes('://') ? parseHttpUrl(value) : value))

const day = 24 * 3600_000

const ruleShape = {
  name,
  when: text(parseCondition),
  over: duration(10_000, limits.alertWindowMs).optional(),
  for: duration(0, limits.alertWindowMs).optional(),
  keep_firing_for: duration(0, limits.alertWindowMs).optional(),
  min_calls: count(1).optional(),
  service: text().optional(),
  operation: text().optional(),
  consumer: text().optional(),
  group_by: z.array(word(alertLabels)).optional(),
  severity: name.optional(),
  notify: z.array(receiver).optional(),
}

/** One alert rule, as in the file and as the API takes it. */
export const ruleSchema = z.strictObject(ruleShape).transform(
  (rule): AlertRule => ({
    name: rule.name,
    when: rule.when,
    overMs: rule.over ?? 5 * 60_000,
    forMs: rule.for ?? 0,
    keepFiringForMs: rule.keep_firing_for ?? 0,
    // One slow call among fewer than these is already the percentile.
    minCalls: rule.min_calls ?? 10,
    service: rule.service,
    operation: rule.operation,
    consumer: rule.consumer,
    groupBy: [...new Set(rule.group_by ?? [])].sort(),
    severity: rule.severity ?? 'warning',
    notify: [...new Set(rule.notify ?? [])],
  }),
)

const goodShape = { latency_below: measure(parseDurationUs).optional() }

const objectiveShape = {
  name,
  service: text().optional(),
  operation: text().optional(),
  per: word(['consumer']).optional(),
  good: z.strictObject(goodShape).optional(),
  target: measure((value) => {
    const share = parseShare(value)
    if (share.numerator > 0 && share.numerator < share.denominator) return share
    throw new Unreadable(`${quoted(value)} leaves nothing to judge`, 'write more than 0% and less than 100%')
  }),
  window: measure((given) => {
    if (['day', 'week', 'month', 'quarter', 'year'].includes(given)) {
      throw new Unreadable(`the calendar window ${given} is not supported yet`, 'write a rolling one: 30d')
    }
    // What is older than calls are kept cannot be counted exactly: references.ts holds the two against each other.
    return { window: given.trim(), windowMs: parseDurationMs(given, 3600_000, limits.retentionDays * day) }
  }),
  method: word(['occurrences'], ['timeslices', 'ratio_timeslices']).optional(),
}

const objective = z
  .strictObject(objectiveShape)
  .transform(({ name, service, operation, per, good, target, window }) => {
    return { name, service, operation, per, latencyBelowUs: good?.latency_below, target, ...window }
  })

const tokenShape = {
  name,
  scope: word(['ingest', 'read', 'admin'], ['consumer']),
  sha256,
  env: text().optional(),
}

const consumerShape = {
  id: text(),
  name: text().optional(),
  plan: text().optional(),
  keys: z.array(sha256).optional(),
  time_zone: timeZone.optional(),
}

const quotaShape = {
  name,
  limit: count(1),
  per: word(['month', '1m'], ['minute', 'hour', 'day', 'week', 'quarter', 'year', '1h', '24h', '1d', '7d', '30d']),
}

const planShape = { quotas: z.array(z.strictObject(quotaShape)) }
const channelShape = { webhook: url, secret: secret.optional() }
const clusterName = text((value) => {
  if (/^[A-Za-z0-9_.-]+$/.test(value) && value.length <= limits.nameChars) return value
  throw new Unreadable(`${quoted(value)} is not the name of a cluster`, 'write a name of system.clusters')
})

const storeShape = {
  url: storeUrl.optional(),
  exactly_once: flag.optional(),
  profile: word(profiles).optional(),
  cluster: clusterName.optional(),
}

const period = (key: RetentionKey) =>
  measure((value) => parsePeriod(value, leastRetentionDays[key], limits.retentionDays)).optional()
const retentionShape = {
  calls: period('calls'),
  payloads: period('payloads'),
  spans: period('spans'),
  logs: period('logs'),
  metrics: period('metrics'),
  minutes: period('minutes'),
  rollups: period('rollups'),
  reports: period('reports'),
  judgements: period('judgements'),
}
const retention = z.strictObject(retentionShape).transform((given): Retention => {
  const kept = retentionKeys.map((key) => [key, given[key] ?? defaultRetention[key]])
  return Object.fromEntries(kept) as Retention
})

const listenShape = {
  otlp: text(parseAddress).optional(),
  grpc: text(parseAddress).optional(),
  web: text(parseAddress).optional(),
}

const fileShape = {
  store: z.strictObject(storeShape).optional(),
  retention: retention.optional(),
  listen: z.strictObject(listenShape).optional(),
  tokens: z.array(z.strictObject(tokenShape)).default([]),
  consumers: z.array(z.strictObject(consumerShape)).default([]),
  plans: z.record(z.string(), z.strictObject(planShape)).default({}),
  objectives: z.array(objective).default([]),
  alerts: z.array(ruleSchema).default([]),
  channels: z.record(z.string(), z.strictObject(channelShape)).default({}),
}

/** The whole of callsight.yaml, `${NAME}` already replaced. References between its parts are in references.ts. */
export const fileSchema = z.strictObject(fileShape).transform(
  (file): Config => ({
    store: {
      url: file.store?.url ?? defaultConfig.store.url,
      exactlyOnce: file.store?.exactly_once ?? defaultConfig.store.exactlyOnce,
      profile: file.store?.profile,
      cluster: file.store?.cluster,
    },
    retention: file.retention ?? defaultRetention,
    listen: {
      otlp: file.listen?.otlp ?? defaultConfig.listen.otlp,
      grpc: file.listen?.grpc ?? defaultConfig.listen.grpc,
      web: file.listen?.web ?? defaultConfig.listen.web,
    },
    tokens: file.tokens.map((token) => ({ ...token, env: token.env })),
    consumers: file.consumers.map(({ id, name, plan, keys, time_zone }) => {
      return { id, name: name ?? id, plan, keys: keys ?? [], timeZone: time_zone ?? 'UTC' }
    }),
    plans: Object.entries(file.plans).map(([name, { quotas }]) => ({ name, quotas })),
    objectives: file.objectives,
    alerts: file.alerts,
    channels: Object.entries(file.channels).map(([name, { webhook, secret }]) => ({ name, webhook, secret })),
  }),
)

/**
 * The keys of each map, and those that the design names but this version does not do. A list's entry is `[]`, an entry
 * under a name of the user's own is `*`.
 */
export const keys: Record<string, { known: string[]; later: string[] }> = {
  '': { known: Object.keys(fileShape), later: [] },
  store: { known: Object.keys(storeShape), later: [] },
  retention: { known: Object.keys(retentionShape), later: [] },
  listen: { known: Object.keys(listenShape), later: [] },
  'tokens[]': { known: Object.keys(tokenShape), later: ['consumer'] },
  'consumers[]': { known: Object.keys(consumerShape), later: [] },
  'plans.*': { known: Object.keys(planShape), later: [] },
  'plans.*.quotas[]': { known: Object.keys(quotaShape), later: [] },
  'objectives[]': { known: Object.keys(objectiveShape), later: ['exclude', 'slice'] },
  'objectives[].good': { known: Object.keys(goodShape), later: [] },
  'alerts[]': { known: Object.keys(ruleShape), later: [] },
  'channels.*': {
    known: Object.keys(channelShape),
    later: ['slack', 'teams', 'pagerduty', 'email', 'alertmanager'],
  },
}
