import { z } from 'zod'
import { usualGood } from '../../aggregate/good.ts'
import { limits } from '../../limits.ts'
import {
  calendarWindows,
  type Exclusion,
  type GoodRule,
  methods,
  type Objective,
  type Outcome,
  outcomes,
} from '../config.ts'
import { parseDurationMs, parseDurationUs } from '../duration.ts'
import { nearest, quoted, Unreadable } from '../fault.ts'
import { parseShare } from '../share.ts'
import { receiver } from './channel.ts'
import { count, measure, name, text, timeZone, word } from './value.ts'

const minute = 60_000
const day = 24 * 60 * minute
/** 14.4 is the factor of a month of 30 days, whichever month it is. */
const usualDays = { day: 1, week: 7, month: 30, quarter: 91, year: 365 } as const

/** Minutes that an hour is a whole number of: slices never lie across an hour of the clock. */
const sliceMinutes = [1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60]

const share = measure((value) => {
  const share = parseShare(value)
  if (share.numerator > 0 && share.numerator < share.denominator) return share
  throw new Unreadable(`${quoted(value)} leaves nothing to judge`, 'write more than 0% and less than 100%')
})

const status = measure((value) => {
  if (/^[1-5]\d\d$/.test(value.trim())) return Number(value)
  throw new Unreadable(`${quoted(value)} is not an HTTP status`, 'write a number from 100 to 599')
})

/** `server_error`, or a status: 429. */
const outcomeOrStatus = measure((value): Outcome | number => {
  if (/^\d/.test(value.trim())) {
    if (/^[1-5]\d\d$/.test(value.trim())) return Number(value)
    throw new Unreadable(`${quoted(value)} is not an HTTP status`, 'write a number from 100 to 599')
  }
  if ((outcomes as readonly string[]).includes(value)) return value as Outcome
  const near = nearest(value, outcomes)
  throw new Unreadable(
    `${quoted(value)} is neither an outcome nor a status`,
    near ? `did you mean ${near}?` : `use ${outcomes.join(', ')}, or a number such as 429`,
  )
})

export const excludeShape = {
  from: text(instant),
  to: text(instant),
  reason: text().optional(),
}

export const goodShape = {
  latency_below: measure(parseDurationUs).optional(),
  statuses: z.array(status).optional(),
}

export const objectiveShape = {
  name,
  service: text().optional(),
  operation: text().optional(),
  consumer: text().optional(),
  per: word(['consumer']).optional(),
  good: z.strictObject(goodShape).optional(),
  failed: z.array(outcomeOrStatus).optional(),
  not_counted: z.array(outcomeOrStatus).optional(),
  target: share,
  window: measure(parseWindow),
  time_zone: timeZone.optional(),
  method: word(methods).optional(),
  slice: measure(parseSlice).optional(),
  slice_target: share.optional(),
  empty: word(['good', 'ignore', 'bad']).optional(),
  exclude: z.array(z.strictObject(excludeShape)).max(limits.objectiveExclusions).optional(),
  min_calls: count(1).optional(),
  min_bad: count(1).optional(),
  notify: z.array(receiver).optional(),
  severity: name.optional(),
}

export const objective = z.strictObject(objectiveShape).transform(
  (given): Objective => ({
    name: given.name,
    service: given.service,
    operation: given.operation,
    consumer: given.consumer,
    per: given.per,
    latencyBelowUs: given.good?.latency_below,
    good: goodRule(given.failed, given.good?.statuses, given.not_counted),
    target: given.target,
    ...given.window,
    timeZone: given.time_zone ?? 'UTC',
    method: given.method ?? 'occurrences',
    sliceMs: given.slice ?? 5 * minute,
    sliceTarget: given.slice_target,
    empty: given.empty ?? 'good',
    exclude: (given.exclude ?? []).map(
      ({ from, to, reason }): Exclusion => ({ fromMs: from, toMs: to, reason: reason ?? '' }),
    ),
    minCalls: given.min_calls ?? 10,
    // One failure in ten calls is a hundred times what 99.9 % allows, and says nothing yet.
    minBad: given.min_bad ?? 3,
    notify: [...new Set(given.notify ?? [])],
    severity: given.severity ?? 'page',
  }),
)

function goodRule(
  failed: readonly (Outcome | number)[] | undefined,
  goodStatuses: readonly number[] | undefined,
  notCounted: readonly (Outcome | number)[] | undefined,
): GoodRule {
  const words = (list: readonly (Outcome | number)[]) => list.filter((one): one is Outcome => typeof one === 'string')
  const numbers = (list: readonly (Outcome | number)[]) => list.filter((one): one is number => typeof one === 'number')
  const bad = failed === undefined ? usualGood.failed : words(failed)
  return {
    failed: bad,
    failedStatuses: numbers(failed ?? []),
    goodStatuses: goodStatuses ?? [],
    // Who says that an aborted call is a failure need not also say that it counts.
    notCounted:
      notCounted === undefined ? usualGood.notCounted.filter((outcome) => !bad.includes(outcome)) : words(notCounted),
    notCountedStatuses: numbers(notCounted ?? []),
  }
}

export function parseWindow(given: string): Pick<Objective, 'window' | 'windowMs' | 'calendar'> {
  const window = given.trim()
  const calendar = calendarWindows.find((unit) => unit === window)
  if (calendar !== undefined) return { window, windowMs: usualDays[calendar] * day, calendar }
  if (!/^\d/.test(window)) {
    throw new Unreadable(
      `${quoted(given)} is neither a duration nor a period of the calendar`,
      `write 30d, or ${calendarWindows.join(', ')}`,
    )
  }
  // What is older than calls are kept cannot be counted: references.ts holds the two against each other.
  const windowMs = parseDurationMs(given, 60 * minute, limits.retentionDays * day)
  if (windowMs % minute !== 0) throw new Unreadable(`${quoted(given)} is not whole minutes`, 'write 90m')
  return { window, windowMs, calendar: undefined }
}

function parseSlice(given: string): number {
  const ms = parseDurationMs(given, minute, 60 * minute)
  if (sliceMinutes.some((minutes) => minutes * minute === ms)) return ms
  const known = sliceMinutes.map((minutes) => (minutes === 60 ? '1h' : `${minutes}m`))
  throw new Unreadable(`an hour is not a whole number of ${quoted(given)}`, `write ${known.join(', ')}`)
}

/** `2026-11-20T02:00Z`: a whole minute, with its offset from UTC. */
export function instant(given: string): number {
  const written = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:00(\.0+)?)?(Z|[+-]\d\d:\d\d)$/.test(given.trim())
  const ms = written ? Date.parse(given.trim()) : Number.NaN
  if (Number.isNaN(ms)) {
    throw new Unreadable(
      `${quoted(given)} is not a whole minute with its offset from UTC`,
      'write 2026-11-20T02:00Z or 2026-11-20T03:00+01:00',
    )
  }
  return ms
}
