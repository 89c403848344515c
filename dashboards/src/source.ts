import { colouredText, column, decimals, queryVariable, thresholds, unit } from './board.ts'
import { limits } from './limits.ts'

/**
 * The SQL that all panels over calls share. Tables are unqualified: the data source's default database (or the
 * store's) is Callsight's, whatever its name.
 */

/** Joins SQL without the indentation of the TypeScript around it; a value of several lines keeps its place's indent. */
export function sql(parts: TemplateStringsArray, ...values: (string | number)[]): string {
  let text = parts[0]!
  for (const [index, value] of values.entries()) {
    const indent = /(?:^|\n)([ \t]*)[^\n]*$/.exec(text)?.[1] ?? ''
    text += String(value).replaceAll('\n', `\n${indent}`) + parts[index + 1]!
  }
  const lines = text.replace(/^\s*\n|\s+$/g, '').split('\n')
  const margin = Math.min(...lines.filter((line) => line.trim() !== '').map((line) => line.search(/\S/)))
  return lines.map((line) => line.slice(margin)).join('\n')
}

/** Seconds of one bucket. */
export const step = '$__interval_s'
/** Start of the first bucket and end of the last complete one: a bucket still filling would look like a drop, and so
 * would one whose last calls are on their way from the agents. */
export const firstBucket = `toStartOfInterval($__fromTime, INTERVAL ${step} second)`
export const endOfBuckets = `toStartOfInterval($__toTime - ${limits.arrivalSeconds}, INTERVAL ${step} second)`
/** Adds the buckets without a call, so that "no calls" is drawn as 0 and not skipped. */
export const everyBucket = `WITH FILL FROM ${firstBucket} TO ${endOfBuckets} STEP toIntervalSecond(${step})`

/** Restricts to the chosen services; nothing when all are chosen. */
export const chosenServices = (column = 'service') =>
  `$__conditionalAll(${column} IN (\${service:singlequote}), $service)`

/** Seconds of a bucket of "now": whole minutes of a roll-up are two, of which the newest is still filling. */
const nowStep = `if(${step} < ${limits.minuteSeconds}, ${limits.nowSeconds}, greatest(${step}, ${limits.nowMinutesSeconds}))`

/** What can be summed up over calls, from single calls and from the roll-ups. */
const measures = {
  /** Calls. */
  n: ['sum(weight)', 'sum(calls)'],
  /** Calls that the service failed. */
  failed: [
    "sumIf(weight, outcome IN ('server_error', 'timeout'))",
    "sumIf(calls, outcome IN ('server_error', 'timeout'))",
  ],
  /** Calls by logarithm of their duration: see percentile(). */
  h: ['sumMap(map(toUInt16(ceil(log2(greatest(duration_us, 1)) * 16)), toUInt64(weight)))', 'sumMap(hist)'],
  /** The newest call, in the roll-ups its minute. */
  last: ['toDateTime(max(ts))', 'max($minute)'],
  plan_seen: ['max(plan)', 'max(plan)'],
} as const

/** How measures of parts of a range add up. */
const again = { n: 'sum', failed: 'sum', h: 'sumMap', last: 'max', plan_seen: 'max' } as const

/** A table of calls, and the column that says when. */
interface Table {
  name: string
  time: string
  /** Its column of the minute of the newest call, or what says it. */
  minute: string
}

interface Family {
  /** What can be a key of a question, beside the time. */
  has: readonly string[]
  minutes: Table
  quarters: Table
  days?: Table
}

const minutesOf = (name: string): Table => ({ name, time: 'minute', minute: 'minute' })
// Quarters from before the minute was recorded have none.
const quartersOf = (name: string): Table => ({ name, time: 'quarter', minute: 'greatest(last_minute, quarter)' })

/** Roll-ups by what they tell apart, the smallest first. Those that tell everything apart come last and answer the rest. */
const families: readonly Family[] = [
  {
    has: ['service', 'operation', 'outcome'],
    minutes: minutesOf('operations_1m'),
    quarters: quartersOf('operations_15m'),
  },
  {
    has: ['service', 'consumer', 'plan', 'outcome'],
    minutes: minutesOf('calls_1m'),
    quarters: quartersOf('consumers_15m'),
    days: { name: 'consumers_1d', time: 'day', minute: 'last_minute' },
  },
]
const everything: Family = { has: [], minutes: minutesOf('calls_1m'), quarters: quartersOf('calls_15m') }

/**
 * The incoming calls of the range, summed up by keys: from single calls while buckets are narrow, because a roll-up's
 * minute is too coarse for the first minutes, and from the roll-ups when they are wide, because a month of single
 * calls is too many. Of the roll-ups the smallest that knows the keys is read, and of each the longest pieces of time
 * that fit: a figure over the whole range is that of the quarters inside it and the minutes at its ends, over many
 * days that of the days and the quarters at its ends. The conditions on the interval are constants, so ClickHouse reads
 * only the tables that are needed.
 *
 * @param keys columns of calls, e.g. `operation`
 * @param time `buckets`: column `time`, complete buckets only. `now`: column `time` with buckets that end at the end
 *   of the range, so that the last one is both full and fresh, but of at least a minute. `none`: the range as a whole
 * @param wanted which measures, as columns of these names
 */
export function calls(options: {
  keys?: string[]
  time: 'buckets' | 'now' | 'none'
  wanted: (keyof typeof measures)[]
}): string {
  const { keys = [], time, wanted } = options
  const needed = wanted.includes('plan_seen') ? [...keys, 'plan'] : keys
  const { minutes, quarters, days } = families.find(({ has }) => needed.every((key) => has.includes(key))) ?? everything
  const single: Table = { name: 'calls', time: 'ts', minute: '' }
  const read = (from: Table, when: string, range: string) => {
    const bucket = time === 'none' ? [] : [`${bucketOf(from.time, time)} AS time`]
    const measured = wanted.map((name) => {
      const [ofCalls, ofSums] = measures[name]
      return `${from === single ? ofCalls : ofSums.replace('$minute', from.minute)} AS ${name}`
    })
    return sql`
      SELECT ${[...bucket, ...keys, ...measured].join(', ')}
      FROM ${from.name}
      WHERE ${when} AND direction = 'in' AND ${range.replaceAll('$time', from.time)} AND ${chosenServices()}
      GROUP BY ${grouped.join(', ')}`
  }
  const grouped = [...(time === 'none' ? [] : ['time']), ...keys]
  const narrow = `${step} < ${limits.minuteSeconds}`
  const middle = `${step} >= ${limits.minuteSeconds} AND ${step} < ${limits.quarterSeconds}`
  const wide = `${step} >= ${limits.quarterSeconds}`
  if (time !== 'none') {
    const range = ranges[time]
    // Complete buckets of whole quarters begin and end with one, and so do those of days. The others end with the range.
    const inQuarters = time === 'buckets' ? `(${wide} OR ${step} % ${limits.quarter} = 0)` : `${wide}`
    const inDays = time === 'buckets' && days !== undefined ? `${step} % ${limits.day} = 0` : '0'
    return union(
      read(single, narrow, range),
      read(minutes, `${step} >= ${limits.minuteSeconds} AND NOT ${inQuarters}`, range),
      read(quarters, inDays === '0' ? inQuarters : `${inQuarters} AND NOT ${inDays}`, range),
      ...(days === undefined || inDays === '0' ? [] : [read(days, inDays, range)]),
    )
  }
  const [quarterEnds, quartersInside] = split(limits.quarter)
  const [dayEnds, daysInside] = split(limits.day)
  const parts = union(
    read(single, narrow, ranges.none),
    read(minutes, middle, quarterEnds),
    read(quarters, middle, quartersInside),
    ...(days === undefined
      ? [read(quarters, wide, ranges.none)]
      : [read(quarters, wide, dayEnds), read(days, wide, daysInside)]),
  )
  return sql`
    SELECT ${[...keys, ...wanted.map((name) => `${again[name]}(${name}) AS ${name}`)].join(', ')}
    FROM (
      ${parts}
    )
    GROUP BY ${keys.join(', ')}`
}

const union = (...questions: string[]) => questions.join('\nUNION ALL\n')

/** Conditions for what of the range lies at its ends, and for the whole pieces of so many seconds inside of it. */
function split(seconds: number): [ends: string, inside: string] {
  const first = `toStartOfInterval($__fromTime + ${seconds - 1}, INTERVAL ${seconds} second)`
  const end = `toStartOfInterval($__toTime, INTERVAL ${seconds} second)`
  return [`${ranges.none} AND ($time < ${first} OR $time >= ${end})`, `$time >= ${first} AND $time < ${end}`]
}

const rangeSeconds = '(toUnixTimestamp($__toTime) - toUnixTimestamp($__fromTime))'

const ranges = {
  buckets: `$time >= ${firstBucket} AND $time < ${endOfBuckets}`,
  // The oldest bucket is left out when the range holds only a part of it.
  now: `$time >= $__toTime - greatest(intDiv(${rangeSeconds}, ${nowStep}), 1) * ${nowStep} + 1 AND $time < $__toTime + 1`,
  none: '$__timeFilter($time)',
}

function bucketOf(time: string, kind: 'buckets' | 'now'): string {
  if (kind === 'buckets') return `$__timeInterval(${time})`
  return `$__toTime - intDiv(toUnixTimestamp($__toTime) - toUnixTimestamp(toDateTime(${time})), ${nowStep}) * ${nowStep}`
}

/**
 * A percentile in milliseconds from a histogram: the middle of the first bucket at which the cumulative count reaches
 * the share. Percentiles are only ever read from merged histograms, never averaged.
 */
export function percentile(share: number, h = 'h'): string {
  return sql`
    if(empty(${h}), NULL, pow(2, (mapKeys(${h})[arrayFirstIndex(
      c -> c >= ${share} * arraySum(mapValues(${h})), arrayCumSum(mapValues(${h})))] - 0.5) / 16) / 1000)`
}

/** Share of calls that the service failed; null without calls. */
export const failedShare = 'if(n = 0, NULL, failed / n)'

/** Joins what is known of consumers to rows with a column `consumer`; `name` is what to show. */
export const knownConsumers =
  'LEFT JOIN (SELECT consumer, name AS known_name, plan AS known_plan FROM consumers FINAL) AS known USING (consumer)'
export const consumerName = "multiIf(consumer = '', '(unknown)', known_name = '', consumer, known_name)"

/** Of latencies in milliseconds: fine, slow, very slow. */
export const latencySteps = [300, 1000] as const
/** Of the share that the service failed: fine, worth a look, bad. */
export const failedSteps = [0.01, 0.05] as const

/** How every table shows what calls() measures. */
export const measured = [
  column('calls', unit('locale')),
  column(
    'error share',
    unit('percentunit'),
    decimals(2),
    thresholds('text', [failedSteps[0], 'yellow'], [failedSteps[1], 'red']),
    colouredText,
  ),
  column('p95', unit('ms'), thresholds('text', [latencySteps[0], 'yellow'], [latencySteps[1], 'red']), colouredText),
  column('last call', unit('dateTimeFromNow')),
]

/** Of a quota: comfortable, getting near, nearly spent. */
export const quotaSteps = ['green', [0.7, 'yellow'], [0.9, 'red']] as const

/** The newest row of each consumer's quota, of periods that have not ended. */
export const quotas = sql`
  SELECT quota, consumer, argMax((used, allowed, used_ratio, period_end), ts) AS state
  FROM quota_states
  WHERE ts <= $__toTime AND ts > $__toTime - INTERVAL ${limits.judgementMinutes} MINUTE
  GROUP BY quota, consumer, per
  HAVING state.4 > $__toTime`

/** The variable of all service boards. */
export const service = queryVariable(
  'service',
  'Service',
  'Services with incoming calls in the time range.',
  sql`
    SELECT DISTINCT service
    FROM operations_1m
    WHERE direction = 'in' AND minute >= toStartOfMinute($__fromTime) AND minute <= $__toTime
    ORDER BY service
    LIMIT ${limits.services}`,
)
