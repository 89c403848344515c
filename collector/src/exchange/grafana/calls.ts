import { alertQuestion } from '../../aggregate/alert.ts'
import { alertMinutesQuestion, isByMinute } from '../../aggregate/alertminutes.ts'
import { silenceQuestion } from '../../aggregate/silence.ts'
import type { AlertRule } from '../../config/config.ts'
import { isShare } from '../../config/schema/alert.ts'
import { ratio } from '../../config/share.ts'
import { decisiveShare, thresholdOf } from '../../judge/alert/reading.ts'
import { labelsOf } from '../../judge/alert/step.ts'
import { compared, type Facts, inlined, untilMinute, untilMs } from './statement.ts'

/** Rules over calls, from the questions that the judge asks. */
export function callFacts(rule: AlertRule): Facts {
  if (rule.when.metric === 'silence') return silenceFacts(rule)
  const { when, recover, minCalls } = rule
  const [numerator, denominator] = measured(rule)
  const counted = denominator === 'calls' ? 'calls > 0 AND ' : ''
  const decided = compared(numerator, denominator, when.comparison, thresholdOf(rule))
  const over = recover && compared(numerator, denominator, when.comparison.startsWith('>') ? '>' : '<', recover)
  const quotient = `${numerator} / ${denominator}${when.unit === 'us' ? ' / 1000' : ''}`
  return {
    ...about(rule),
    rows: rowsOf(rule),
    value: denominator === 'calls' ? `if(calls = 0, 0, ${quotient})` : quotient,
    breaks: `${counted}calls >= ${minCalls} AND ${decided}${sure(rule)}`,
    lingers: `${counted}${over ?? decided}`,
  }
}

function about(rule: AlertRule): Pick<Facts, 'keys' | 'fixed'> {
  const keys = rule.groupBy
  const own = Object.entries(labelsOf({ ...rule, groupBy: [] }, {}))
  return { keys, fixed: Object.fromEntries(own.filter(([name]) => !keys.some((key) => key === name))) }
}

function rowsOf(rule: AlertRule): string {
  if (isByMinute(rule)) return inlined(alertMinutesQuestion(rule, 0, true), { at: untilMinute, names: ['from', 'to'] })
  return inlined(alertQuestion([rule], 0, true), { at: untilMs, names: ['start', 'from', 'to'] })
}

/** What the judge compares, of a row: a numerator and a denominator. */
function measured({ when, overMs }: AlertRule): [string, string] {
  switch (when.metric) {
    case 'error_rate':
      return ['beyond0', 'calls']
    case 'avg':
      return ['value0', 'calls']
    case 'rps':
      return ['calls * 1000', String(overMs)]
    case 'calls':
      return ['calls', '1']
    default:
      return ['value0', '1']
  }
}

/**
 * The exact binomial test of judge/alert/confidence.ts: the chance to see so many of so many calls beyond, term by term
 * from the first one up. Terms twelve standard deviations on add nothing that a Float64 could hold.
 */
function sure(rule: AlertRule): string {
  const { confidence, when } = rule
  const share = decisiveShare(rule)
  if (confidence === undefined || !isShare(when) || share.numerator % share.denominator === 0) return ''
  const above = when.comparison.startsWith('>')
  const chance = above ? ratio(share) : (share.denominator - share.numerator) / share.denominator
  const n = 'toInt64(pieces)'
  const seen = 'toInt64(intDiv(toUInt128(beyond0) * pieces, greatest(calls, 1)))'
  const part = above ? seen : `(${n} - ${seen})`
  const width = `toInt64(12 * sqrt(${n} * ${chance * (1 - chance)})) + 60`
  const odds = `i * ${Math.log(chance)} + (${n} - i) * ${Math.log1p(-chance)}`
  const term = `exp(lgamma(${n} + 1) - lgamma(i + 1) - lgamma(${n} - i + 1) + ${odds})`
  const tail = `arraySum(i -> ${term}, range(greatest(${part}, 0), least(${n}, ${part} + ${width}) + 1))`
  // At the mean or below it the chance is more than one half.
  return ` AND calls > 0 AND ${part} > ${n} * ${chance} AND ${tail} <= ${1 - ratio(confidence)}`
}

/** The value is the time since the last call; whether one was to be expected decides (judge/alert/silence.ts). */
function silenceFacts(rule: AlertRule): Facts {
  const names = ['to', 'quiet', 'day_before', 'day', 'day_window', 'two_days', 'week', 'week_window', 'eight_days']
  const quiet = `${untilMinute} * 1000 - last_ms`
  const expected = 'if(around_week > 0, then_week > 0, around_day = 0 OR then_day > 0)'
  return {
    ...about(rule),
    rows: inlined(silenceQuestion(rule, 0), { at: untilMinute, names }).replace(
      ' AS last_ms',
      ' AS last_ms, 0 AS point',
    ),
    value: quiet,
    breaks: `calls >= ${Math.max(1, rule.minCalls)} AND ${expected}`,
    lingers: compared(`(${quiet}) * 1000`, '1', rule.when.comparison, thresholdOf(rule)),
  }
}
