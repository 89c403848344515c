import { z } from 'zod'
import type { CalendarDate, CalendarUnit } from '../../judge/calendar.ts'
import { limits } from '../../limits.ts'
import { distincts, type Meter, outcomes, type Plan, type Quota, type Share, sums } from '../config.ts'
import { parseDurationMs } from '../duration.ts'
import { nearest, quoted, Unreadable } from '../fault.ts'
import { receiver } from './channel.ts'
import { count, measure, name, text, word } from './value.ts'

const minute = 60_000
const day = 24 * 3600_000
const units: readonly CalendarUnit[] = ['minute', 'hour', 'day', 'week', 'month', 'quarter', 'year']
/** Durations that are a period of the calendar by another name. */
const named = new Map<number, CalendarUnit>([
  [minute, 'minute'],
  [60 * minute, 'hour'],
  [day, 'day'],
  [7 * day, 'week'],
])

export const quotaShape = {
  name,
  limit: count(1),
  per: text((per) => {
    if (units.includes(per as CalendarUnit)) return { per, unit: per as CalendarUnit, ms: undefined }
    if (!/^\d/.test(per.trim())) throw unknownPeriod(per)
    const ms = parseDurationMs(per, minute, limits.quotaWindowMs)
    if (ms % minute === 0) return { per: per.trim(), unit: named.get(ms), ms }
    throw new Unreadable(`${quoted(per)} is not a whole number of minutes`, 'write 1m, 5m, 1h, 30d')
  }),
  window: word(['calendar', 'rolling']).optional(),
  anchor: measure(parseAnchor).optional(),
  meter: text(parseMeter).optional(),
  operation: text().optional(),
  outcomes: z.array(word(outcomes)).min(1, 'is empty').optional(),
  kind: word(['hard', 'soft']).optional(),
  thresholds: z.array(measure(parseThreshold)).optional(),
  notify: z.array(receiver).optional(),
}

/** A quota of a plan or of a consumer. */
export const quota = z.strictObject(quotaShape).transform((given, context): Quota => {
  const fault = (key: string, what: string, remedy: string) => {
    context.addIssue({ code: 'custom', path: [key], message: what, params: { remedy } })
  }
  const { per, unit, ms } = given.per
  const rolling = given.window === 'rolling'
  if (rolling && ms === undefined) fault('per', `a rolling window has no ${per}`, 'write a duration: 30d')
  if (!rolling && unit === undefined) {
    fault('per', `${quoted(per)} is no period of the calendar`, `add window: rolling, or use ${units.join(', ')}`)
  }
  const anchored = !rolling && unit !== undefined && ['week', 'month', 'quarter', 'year'].includes(unit)
  if (given.anchor !== undefined && !anchored) {
    fault('anchor', 'only a week, month, quarter or year of the calendar has an anchor', 'remove it')
  } else if (typeof given.anchor === 'number' && unit === 'week') {
    fault('anchor', 'a week begins on a weekday, not on a day of the month', 'write a date: 2026-03-15')
  }
  const short = rolling ? (ms ?? 0) < day : unit === 'minute' || unit === 'hour'
  return {
    name: given.name,
    limit: given.limit,
    per,
    window: rolling ? { rollingMs: ms ?? 0 } : (unit ?? 'month'),
    anchor: given.anchor ?? 1,
    meter: given.meter ?? { text: 'calls', sum: 'calls' },
    operation: given.operation,
    outcomes: given.outcomes && [...new Set(given.outcomes)].sort(),
    kind: given.kind ?? 'soft',
    // Half of a minute's calls within half a minute is news to nobody.
    thresholds: (given.thresholds ?? (short ? [] : ['50%', '80%', '90%', '100%'].map(parseThreshold))).sort(byShare),
    notify: [...new Set(given.notify ?? [])],
  }
})

export const planShape = { quotas: z.array(quota) }

/** The plans of the file, by name. */
export const plans = z
  .record(z.string(), z.strictObject(planShape))
  .transform((given): Plan[] => Object.entries(given).map(([name, { quotas }]) => ({ name, quotas })))

function unknownPeriod(per: string): Unreadable {
  const near = nearest(per, units)
  return new Unreadable(
    `${quoted(per)} is not a period`,
    near === undefined ? `use ${units.join(', ')}, or a duration: 30d` : `did you mean ${near}?`,
  )
}

function parseAnchor(given: string): number | CalendarDate {
  const [, year, month, dayOfMonth] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(given.trim()) ?? []
  const date = { year: Number(year), month: Number(month), day: Number(dayOfMonth) }
  if (
    year !== undefined &&
    new Date(Date.UTC(date.year, date.month - 1, date.day)).toISOString().startsWith(given.trim())
  )
    return date
  if (/^\d{1,2}$/.test(given) && Number(given) >= 1 && Number(given) <= 31) return Number(given)
  throw new Unreadable(
    `${quoted(given)} is neither a day of the month nor a date`,
    'write 1 to 31, or the first day of a period: 2026-03-15',
  )
}

function parseMeter(given: string): Meter {
  const [, what] = /^distinct\(\s*(.*?)\s*\)$/.exec(given.trim()) ?? []
  const text = what === undefined ? given.trim() : `distinct(${what})`
  for (const sum of sums) if (text === sum) return { text, sum }
  for (const distinct of distincts) if (what === distinct) return { text, distinct }
  const [, attribute] = /^attributes\.(.+)$/.exec(what ?? '') ?? []
  if (attribute !== undefined) return { text, attribute }
  const known = [...sums, ...distincts.map((column) => `distinct(${column})`)]
  const near = nearest(text, known)
  throw new Unreadable(
    `${quoted(given)} is not something to count`,
    near === undefined ? `use ${known.join(', ')} or distinct(attributes.NAME)` : `did you mean ${near}?`,
  )
}

/** A share of the limit; it may be more than all of it. */
function parseThreshold(given: string): Share {
  const [, whole, decimals = ''] = /^(\d{1,4})(?:\.(\d{1,6}))?\s*%$/.exec(given.trim()) ?? []
  if (whole === undefined) throw new Unreadable(`${quoted(given)} is not a percentage`, 'write it with its sign: 80%')
  const share = { text: given.trim(), numerator: Number(whole + decimals), denominator: 100 * 10 ** decimals.length }
  if (share.numerator > 0 && share.numerator <= share.denominator * limits.quotaShare) return share
  throw new Unreadable(
    `${quoted(given)} is no share to tell of`,
    `write more than 0% and at most ${limits.quotaShare}00%`,
  )
}

function byShare(a: Share, b: Share): number {
  return a.numerator * b.denominator - b.numerator * a.denominator
}
