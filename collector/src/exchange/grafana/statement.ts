import type { Question } from '../../aggregate/question.ts'
import type { AlertRule, Comparison, Fraction } from '../../config/config.ts'
import { shown, thresholdOf } from '../../judge/alert/reading.ts'
import { limits } from '../../limits.ts'
import { quoted } from '../../store/quoted.ts'

/** What one row is decided on: SQL expressions over the columns of `rows`. */
export interface Facts {
  /** One row for each label set and window; `calls` and `point` (0 is the newest window) are among its columns. */
  readonly rows: string
  /** Labels that differ from row to row. */
  readonly keys: readonly string[]
  /** Labels that are the same in all rows. */
  readonly fixed: Readonly<Record<string, string>>
  readonly value: string
  readonly breaks: string
  readonly lingers: string
}

/** What Grafana compares the value with: it fires beyond `fire`, and goes on firing until beyond `end` the other way. */
export interface Bounds {
  readonly up: boolean
  readonly fire: number
  /** Undefined: it ends where it began. */
  readonly end: number | undefined
}

/** The end of the newest window, as the judge has it: a little before now. Asked for once, so that it is one moment. */
const until = `WITH (SELECT toUnixTimestamp64Milli(now64(3)) - ${limits.lagMs}) AS until_ms\n`
export const untilMs = 'until_ms'
/** In seconds. */
export const untilMinute = 'intDiv(until_ms, 60000) * 60'

/**
 * A question as SQL without parameters, which Grafana's data source has none of.
 *
 * @param clock the parameters that are times, which the question was asked as of the time 0: where 0 is now
 */
export function inlined({ sql, params }: Question, clock: { readonly at: string; readonly names: readonly string[] }) {
  return sql.replace(/\{(\w+):\w+\}/g, (_, name: string) => {
    const value = params[name]
    if (!clock.names.includes(name)) return literal(value)
    return value === 0 ? `(${clock.at})` : `(${clock.at} - ${-Number(value)})`
  })
}

/** A value as SQL. Grafana's macros begin with a dollar sign, in strings as well, so that none is left. */
export function literal(value: unknown): string {
  if (typeof value === 'number') return String(value)
  if (typeof value === 'string') return quoted(value).replaceAll('$', '\\x24')
  throw new Error(`${typeof value} is no value of a question about one rule`)
}

/** Decided on whole numbers, as the judge does. */
export function compared(numerator: string, denominator: string, comparison: Comparison, limit: Fraction): string {
  return `toInt128(${numerator}) * ${limit.denominator} ${comparison} toInt128(${denominator}) * ${limit.numerator}`
}

/** Values of a rule's condition in the unit that people read. */
export function boundsOf(rule: AlertRule): Bounds {
  const { when, recover, confidence, minCalls, forMs, points } = rule
  // Grafana begins to apply the second bound while an alert is pending: without `for` there is no such time.
  const loose = confidence !== undefined || minCalls > 1 || points.of > 1 || when.metric === 'silence'
  const fire = shown(when, thresholdOf(rule))
  const end = recover !== undefined ? shown(when, recover) : loose && forMs === 0 ? fire : undefined
  return { up: when.comparison.startsWith('>'), fire, end }
}

/**
 * One row for each label set: text columns, and the column `value`, on which Grafana decides as the judge would.
 *
 * The value is what was measured in the window that is told of, but for label sets on which the threshold alone does not
 * decide: too few calls, not sure enough, too few of the windows. They are brought to the side of the bound on which
 * they belong, by a billionth of it, so that a comparison of Grafana's comes to the judge's verdict.
 */
export function statementOf(rule: AlertRule, facts: Facts, bounds: Bounds): string {
  const { keys, fixed } = facts
  const labels = [
    ...Object.entries(fixed).map(([name, text]) => `${literal(text)} AS ${name}`),
    ...keys.map((key) => `toString(key_${key}) AS ${key}`),
  ]
  const { needed } = rule.points
  const whole = rule.noData === 'alert' && rule.minCalls > 1 && rule.when.metric !== 'silence'
  const known = whole ? `, max(max(calls)) OVER () >= ${rule.minCalls} AS known` : ''
  return `${facts.rows.includes(untilMs) ? until : ''}SELECT ${[...labels, `${sided(bounds)} AS value`].join(', ')}
FROM (
  SELECT ${[...keys.map((key) => `${key} AS key_${key}`), ''].join(', ')}if(countIf(breaks) > 0, argMinIf(measured, point, breaks), argMin(measured, point)) AS told,
    countIf(breaks) >= ${needed} AS holds, holds OR countIf(lingers) >= ${needed} AS stays${known}
  FROM (
    SELECT *, toFloat64(${facts.value}) AS measured, ifNull(${facts.breaks}, 0) AS breaks, ifNull(${facts.lingers}, 0) AS lingers
    FROM (
${indented(facts.rows, 6)}
    )
  )${keys.length === 0 ? '' : `\n  GROUP BY ${keys.join(', ')}`}
  HAVING count() > 0
)${whole ? '\nWHERE known' : ''}`
}

/** The value, on the side of the bounds that the verdict asks for. */
function sided({ up, fire, end = fire }: Bounds): string {
  const [least, greatest, sign] = up ? ['least', 'greatest', 1] : ['greatest', 'least', -1]
  const beside = (bound: number, side: number) => bound + side * sign * Math.max(1, Math.abs(bound)) * 1e-9
  const holding = `${greatest}(told, ${beside(fire, 1)})`
  const staying = `${least}(${greatest}(told, ${end}), ${fire})`
  const over = `${least}(told, ${beside(end, -1)})`
  return `toFloat64(multiIf(holds, ${holding}, stays, ${staying}, ${over}))`
}

function indented(text: string, by: number): string {
  return text.replace(/^/gm, ' '.repeat(by))
}
