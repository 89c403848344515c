import { z } from 'zod'
import { limits } from '../../limits.ts'
import { parseAddress } from '../address.ts'
import { profiles } from '../config.ts'
import { quoted, Unreadable } from '../fault.ts'
import { parsePeriod } from '../period.ts'
import { defaultRetention, leastRetentionDays, type Retention, type RetentionKey, retentionKeys } from '../retention.ts'
import { flag, measure, text, word } from './value.ts'

const storeUrl = text((value) => {
  if (value.startsWith('embedded:') || /^https?:\/\/[^/]/.test(value)) return value
  throw new Unreadable('is not the place of a store', 'write embedded:DIR or https://user:password@host:8443/callsight')
})

const clusterName = text((value) => {
  if (/^[A-Za-z0-9_.-]+$/.test(value) && value.length <= limits.nameChars) return value
  throw new Unreadable(`${quoted(value)} is not the name of a cluster`, 'write a name of system.clusters')
})

export const storeShape = {
  url: storeUrl.optional(),
  exactly_once: flag.optional(),
  profile: word(profiles).optional(),
  cluster: clusterName.optional(),
}

const period = (key: RetentionKey) =>
  measure((value) => parsePeriod(value, leastRetentionDays[key], limits.retentionDays)).optional()
export const retentionShape = {
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
export const retention = z.strictObject(retentionShape).transform((given): Retention => {
  const kept = retentionKeys.map((key) => [key, given[key] ?? defaultRetention[key]])
  return Object.fromEntries(kept) as Retention
})

export const listenShape = {
  otlp: text(parseAddress).optional(),
  grpc: text(parseAddress).optional(),
  web: text(parseAddress).optional(),
}
