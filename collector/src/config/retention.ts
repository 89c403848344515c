import type { Config } from './config.ts'
import { leastDays, type Period } from './period.ts'

/** What can be kept longer or shorter, each with the tables it is about. */
export const retentionKeys = [
  'calls',
  'payloads',
  'spans',
  'logs',
  'metrics',
  'minutes',
  'rollups',
  'reports',
  'judgements',
] as const
export type RetentionKey = (typeof retentionKeys)[number]
export type Retention = Readonly<Record<RetentionKey, Period>>

const days = (count: number): Period => Object.freeze({ count, unit: 'day' })
const months = (count: number): Period => Object.freeze({ count, unit: 'month' })

/** What holds without a file. The numbers of sql/ are the same; a test says so. */
export const defaultRetention: Retention = Object.freeze({
  calls: days(30),
  payloads: days(7),
  spans: days(7),
  logs: days(3),
  metrics: days(30),
  minutes: days(90),
  rollups: months(25),
  reports: days(90),
  judgements: months(25),
})

/**
 * The shortest lives, in days. Calls: an alert looks back a day and a few minutes. Minutes: a monthly quota is counted
 * from them, in the consumer's time zone. Reports: an account of an instance is closed over its last 30 days.
 */
export const leastRetentionDays: Readonly<Record<RetentionKey, number>> = {
  calls: 2,
  payloads: 1,
  spans: 1,
  logs: 1,
  metrics: 1,
  minutes: 33,
  rollups: 33,
  reports: 31,
  judgements: 1,
}

/** How long a call may have been over when it arrives, in milliseconds: what is older, its partition is about to go. */
export function pastMs({ retention }: Config): number {
  return leastDays(retention.calls) * 24 * 3600_000
}
