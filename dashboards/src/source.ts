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

const nowStep = `greatest(${step}, ${limits.nowSeconds})`

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
  last: ['toDateTime(max(ts))', 'max($time)'],
  plan_seen: ['max(plan)', 'max(plan)'],
} as const

/**
 * The incoming calls of the range, summed up by keys: from single calls while buckets are narrow, because a roll-up's
 * minute is too coarse for the first minutes, and from the roll-ups when they are wide, because a month of single
 * calls is too many. Whole quarters are read wherever buckets consist of them: they are a quarter of the minutes' rows.
 * The conditions on the interval are constants, so ClickHouse reads only the tables that are needed: one, or the quarters
 * with the minutes at both ends of a range.
 *
 * @param keys columns that calls and roll-ups share, e.g. `operation`
 * @param time `buckets`: column `time`, complete buckets only. `now`: column `time` with buckets that end at the end
 *   of the range, so that the last one is both full and fresh, but of at least a minute. `none`: the range as a whole
 * @param wanted which measures, as columns of these names
 */
export function calls(options: {
  keys?: string[]
  time: 'buckets' | 'now' | 'none'
  wanted: (keyof typeof measures)[]
}): string {
  // Complete buckets of whole quarters begin and end with one. The others begin and end with the range.
  const quarters =
    options.time === 'buckets'
      ? `(${step} >= ${limits.quarterSeconds} OR ${step} % ${limits.quarter} = 0)`
      : `${step} >= ${limits.quarterSeconds}`
  const branches = [
    { table: 'calls', time: 'ts', when: `${step} < ${limits.minuteSeconds}` },
    { table: 'calls_1m', time: 'minute', when: `${step} >= ${limits.minuteSeconds} AND NOT ${quarters}` },
    { table: 'calls_15m', time: 'quarter', when: quarters },
  ] as const
  const keys = [...(options.time === 'none' ? [] : ['time']), ...(options.keys ?? [])]
  const read = ({ table, time, when }: (typeof branches)[number], range: string) => {
    const columns = keys.map((key) => (key === 'time' ? `${bucketOf(time, options.time)} AS time` : key))
    for (const name of options.wanted) {
      columns.push(`${measures[name][table === 'calls' ? 0 : 1].replace('$time', time)} AS ${name}`)
    }
    return sql`
      SELECT ${columns.join(', ')}
      FROM ${table}
      WHERE ${when} AND direction = 'in' AND ${range.replaceAll('$time', time)} AND ${chosenServices()}
      GROUP BY ${keys.join(', ')}`
  }
  const [single, minutes, quarter] = branches.map((branch) => read(branch, ranges[options.time]))
  // The newest call is known to the minute only in the minutes.
  if (options.time !== 'none' || options.wanted.includes('last')) return union(single!, minutes!, quarter!)
  const [, { when }] = branches
  const edges = read(branches[1], `${ranges.none} AND ($time < ${firstQuarter} OR $time >= ${endOfQuarters})`)
  const inside = read({ ...branches[2], when }, `$time >= ${firstQuarter} AND $time < ${endOfQuarters}`)
  return sql`
    SELECT ${[...keys, ...options.wanted.map((name) => `${again[name]}(${name}) AS ${name}`)].join(', ')}
    FROM (
      ${union(single!, edges, inside, quarter!)}
    )
    GROUP BY ${keys.join(', ')}`
}

const union = (...questions: string[]) => questions.join('\nUNION ALL\n')

/** Begin of the first quarter, and end of the last one, that lie within the range as a whole. */
const firstQuarter = `toStartOfInterval($__fromTime + ${limits.quarter - 1}, INTERVAL ${limits.quarter} second)`
const endOfQuarters = `toStartOfInterval($__toTime, INTERVAL ${limits.quarter} second)`

/** How measures of parts of a range add up. */
const again = { n: 'sum', failed: 'sum', h: 'sumMap', last: 'max', plan_seen: 'max' } as const

const rangeSeconds = '(toUnixTimestamp($__toTime) - toUnixTimestamp($__fromTime))'

const ranges = {
  buckets: `$time >= ${firstBucket} AND $time < ${endOfBuckets}`,
  // The oldest bucket is left out when the range holds only a part of it.
  now: `$time >= $__toTime - greatest(intDiv(${rangeSeconds}, ${nowStep}), 1) * ${nowStep} + 1 AND $time < $__toTime + 1`,
  none: '$__timeFilter($time)',
}

function bucketOf(time: string, kind: 'buckets' | 'now' | 'none'): string {
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
    FROM calls_1m
    WHERE direction = 'in' AND minute >= toStartOfMinute($__fromTime) AND minute <= $__toTime
    ORDER BY service
    LIMIT ${limits.services}`,
)
