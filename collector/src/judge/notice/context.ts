import { setTimeout as sleep } from 'node:timers/promises'
import { beforeQuestion, histogramPercentile, stretchesBefore } from '../../aggregate/before.ts'
import { hurtQuestion } from '../../aggregate/hurt.ts'
import type { Question } from '../../aggregate/question.ts'
import type { AlertRule, Fraction } from '../../config/config.ts'
import { durationText } from '../../config/duration.ts'
import { ratio } from '../../config/share.ts'
import { limits } from '../../limits.ts'
import type { NoticeAlert } from '../../notify/notice.ts'
import type { Row, Store } from '../../store/store.ts'
import type { AlertEvent } from '../alert/step.ts'
import { metricText, shownText } from '../alert/summary.ts'

/** For whom an alert is one, and what was before it. */
export type Context = Pick<NoticeAlert, 'hurt' | 'hurtConsumers' | 'compared'>

export const nothingKnown: Context = { hurt: [], hurtConsumers: 0, compared: '' }

/**
 * Asks the store about an alert. What is not answered in time is left out: a notice that is late helps nobody.
 *
 * @param toMs end of the window that is looked at, epoch milliseconds
 * @param failed is told when the store gave no answer
 */
export async function contextOf(
  store: Store,
  given: AlertRule,
  event: AlertEvent,
  toMs: number,
  failed: (error: unknown) => void,
): Promise<Context> {
  const rule = given.when.anomaly ? thresholdRule(given, event) : given
  const within = new AbortController()
  const late = sleep(limits.noticeContextMs, undefined, { signal: within.signal, ref: false }).catch(() => undefined)
  const ask = async ({ sql, params }: Question): Promise<Row[] | undefined> => {
    const answer = store.ask(sql, params).catch((error: unknown) => {
      failed(error)
      return undefined
    })
    return Promise.race([answer, late])
  }
  const stretches = stretchesBefore(rule.overMs, toMs)
  const [hurt, before] = await Promise.all([
    ask(hurtQuestion(rule, event.labels, toMs)),
    isComparable(rule) ? ask(beforeQuestion(rule, event.labels, stretches)) : undefined,
  ])
  within.abort()
  return {
    hurt: (hurt ?? []).map((row) => ({
      consumer: String(row.consumer) || '(none)',
      calls: Number(row.calls),
      failed: Number(row.bad),
    })),
    hurtConsumers: Number(hurt?.[0]?.consumers ?? 0),
    compared: before === undefined ? '' : comparedText(rule, before, stretches),
  }
}

/** The rule on a threshold that one on what is unusual was at the time. */
function thresholdRule(rule: AlertRule, { value, threshold }: AlertEvent): AlertRule {
  const { anomaly: _, ...when } = rule.when
  const scale = when.unit === 'us' ? 1000 : 1_000_000
  const numerator = Math.round(threshold * scale)
  const comparison = value !== null && value < threshold ? '<' : '>'
  return {
    ...rule,
    when: { ...when, comparison, threshold: { numerator, denominator: when.unit === 'us' ? 1 : scale } },
  }
}

/** Whether there are calls behind an alert to look at: quotas, promises and what went quiet say it all themselves. */
export function hasContext({ when }: AlertRule, { state }: AlertEvent): boolean {
  return state === 'firing' && ['percentile', 'avg', 'max', 'error_rate', 'rps', 'calls'].includes(when.metric)
}

/** Roll-ups know durations only, and neither versions nor error codes. */
function isComparable({ when, groupBy }: AlertRule): boolean {
  if (groupBy.includes('version') || groupBy.includes('error_code')) return false
  if (when.percentile !== undefined) return when.percentile.measure === 'duration'
  return ['avg', 'error_rate', 'rps'].includes(when.metric)
}

/** `p95 was 120 ms in the same 5m a week before, 130 ms in the hour before` */
export function comparedText(
  rule: AlertRule,
  rows: readonly Row[],
  stretches: ReturnType<typeof stretchesBefore>,
): string {
  const parts = (['week', 'hour'] as const).flatMap((name) => {
    const row = rows.find((one) => one.stretch === name)
    if (row === undefined || Number(row.all) === 0) return []
    const { startMs, endMs } = stretches[name]
    const time = name === 'week' ? `in the same ${durationText(rule.overMs)} a week before` : 'in the hour before'
    return [`${shownText(rule, figureOf(rule, row, endMs - startMs))} ${time}`]
  })
  return parts.length === 0 ? '' : `${metricText(rule)} was ${parts.join(', ')}`
}

/** In the unit of the rule's condition. */
function figureOf({ when }: AlertRule, row: Row, lengthMs: number): Fraction {
  const all = Number(row.all)
  if (when.metric === 'error_rate') return { numerator: Number(row.bad), denominator: all }
  if (when.metric === 'rps') return { numerator: all * 1000, denominator: lengthMs }
  if (when.metric === 'avg') return { numerator: Number(row.time_us), denominator: all }
  const numbers = (list: unknown) => (list as unknown[]).map(Number)
  const us = histogramPercentile(numbers(row.buckets), numbers(row.counts), ratio(when.percentile!.share)) ?? 0
  return { numerator: Math.round(us), denominator: 1 }
}
