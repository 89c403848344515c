import { setTimeout as sleep } from 'node:timers/promises'
import { beforeQuestion, histogramPercentile, stretchesBefore } from '../../aggregate/before.ts'
import { hurtQuestion } from '../../aggregate/hurt.ts'
import type { Question } from '../../aggregate/question.ts'
import type { AlertRule } from '../../config/config.ts'
import { durationText } from '../../config/duration.ts'
import { ratio } from '../../config/share.ts'
import { limits } from '../../limits.ts'
import type { NoticeAlert } from '../../notify/notice.ts'
import type { Row, Store } from '../../store/store.ts'
import type { AlertEvent } from '../alert/step.ts'
import { shown } from './figure.ts'

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
  rule: AlertRule,
  event: AlertEvent,
  toMs: number,
  failed: (error: unknown) => void,
): Promise<Context> {
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
  // Roll-ups do not tell versions apart.
  const comparable = !rule.groupBy.includes('version')
  const [hurt, before] = await Promise.all([
    ask(hurtQuestion(rule, event.labels, toMs)),
    comparable ? ask(beforeQuestion(rule, event.labels, stretches)) : undefined,
  ])
  within.abort()
  return {
    hurt: (hurt ?? []).map((row) => ({
      consumer: String(row.consumer) || '(none)',
      calls: Number(row.calls),
      failed: Number(row.bad),
    })),
    hurtConsumers: Number(hurt?.[0]?.consumers ?? 0),
    compared: before === undefined ? '' : comparedText(rule, before),
  }
}

/** `p95 was 120 ms in the same 5m a week before, 130 ms in the hour before` */
export function comparedText(rule: AlertRule, rows: readonly Row[]): string {
  const { when } = rule
  const parts = (['week', 'hour'] as const).flatMap((stretch) => {
    const row = rows.find((one) => one.stretch === stretch)
    if (row === undefined || Number(row.all) === 0) return []
    const numbers = (list: unknown) => (list as unknown[]).map(Number)
    const value =
      when.metric === 'percentile'
        ? histogramPercentile(numbers(row.buckets), numbers(row.counts), ratio(when.percentile))! / 1000
        : Number(row.bad) / Number(row.all)
    const time = stretch === 'week' ? `in the same ${durationText(rule.overMs)} a week before` : 'in the hour before'
    return [`${shown(when, value)} ${time}`]
  })
  if (parts.length === 0) return ''
  const metric = when.metric === 'percentile' ? `p${when.percentile.text.slice(0, -1)}` : 'the error rate'
  return `${metric} was ${parts.join(', ')}`
}
