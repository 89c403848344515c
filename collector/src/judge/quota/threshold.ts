import { createHash } from 'node:crypto'
import type { Quota, Share } from '../../config/config.ts'
import { ratio } from '../../config/share.ts'
import type { AlertEvent } from '../alert/step.ts'
import type { Period } from '../calendar.ts'
import type { Forecast } from './forecast.ts'

/** What was told of one quota of one consumer and of its limit, in one period, or ever for a rolling window. */
export interface Told {
  readonly share: number
  readonly atMs: number
}

export interface Use {
  readonly quota: Quota
  readonly plan: string
  readonly consumer: string
  readonly period: Period
  readonly used: number
  readonly forecast: Forecast | null
}

/** Alerts of rules have fingerprints that are hexadecimal; these are told apart by this. */
export const quotaFingerprint = 'quota-'

/**
 * The threshold to tell of now: the highest that is reached, unless it or a higher one was told of in this period. What
 * was passed on the way is not told of, neither now nor later. In a rolling window, which has no periods, a threshold is
 * told of again when the last time is as long ago as the window is.
 */
export function dueThreshold({ quota, used }: Use, told: readonly Told[], nowMs: number): Share | undefined {
  const reached = quota.thresholds.filter((share) => reaches(used, quota.limit, share)).at(-1)
  if (reached === undefined) return undefined
  const sinceMs = typeof quota.window === 'object' ? nowMs - quota.window.rollingMs : 0
  return told.some(({ share, atMs }) => atMs >= sinceMs && share >= ratio(reached)) ? undefined : reached
}

/** Exactly: used / limit >= share. */
function reaches(used: number, limit: number, share: Share): boolean {
  return BigInt(used) * BigInt(share.denominator) >= BigInt(limit) * BigInt(share.numerator)
}

/** What is told of together: thresholds of the same limit in the same period. A changed limit has its own. */
export function toldKey({ quota, consumer, period }: Use): string {
  return keyOf(consumer, quota.name, quota.limit, startOf(quota, period))
}

export function keyOf(consumer: string, quota: string, limit: number, startMs: number): string {
  return JSON.stringify([consumer, quota, limit, startMs])
}

/** A rolling window has no start to tell periods apart by. */
export function startOf({ window }: Quota, { startMs }: Period): number {
  return typeof window === 'object' ? 0 : startMs
}

/**
 * The event that tells of a threshold. Its id follows from what it is about: whoever comes to tell of it once more, after
 * a kill too, does so under the same id.
 */
export function thresholdEvent(use: Use, share: Share, told: readonly Told[], nowMs: number): AlertEvent {
  const { quota, plan, consumer, used } = use
  const before = typeof quota.window === 'object' ? Math.max(0, ...told.map(({ atMs }) => atMs)) : 0
  return {
    id: `evt_${digest([toldKey(use), share.text, before])}`,
    atMs: nowMs,
    rule: `quota ${quota.name}`,
    fingerprint: `${quotaFingerprint}${digest([toldKey(use), share.text])}`,
    labels: { quota: quota.name, consumer, plan, threshold: share.text },
    severity: ratio(share) < 1 ? 'warning' : 'critical',
    state: 'firing',
    value: used,
    threshold: quota.limit * ratio(share),
    calls: quota.meter.text === 'calls' ? used : 0,
    summary: summaryOf(use, share),
    activeSinceMs: nowMs,
  }
}

/** `acme has used 80% of monthly: 812345 of 1000000 calls, until 2026-12-01 00:00 UTC; all of it by 2026-11-25 14:00 UTC` */
function summaryOf({ quota, consumer, period, used, forecast }: Use, share: Share): string {
  const window = typeof quota.window === 'object' ? `within ${quota.per}` : `until ${timeOf(period.endMs)}`
  const end = forecast?.exhaustedAtMs
  const ahead = end && used < quota.limit ? `; all of it by ${timeOf(end.middle)} at this pace` : ''
  return `${consumer} has used ${share.text} of ${quota.name}: ${used} of ${quota.limit} ${quota.meter.text}, ${window}${ahead}`
}

function timeOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

function digest(parts: unknown): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)
}
