import { Counter } from 'prom-client'
import { limits } from '../limits.ts'
import { registry } from '../metrics.ts'
import type { AllowPrivate } from '../notify/guard.ts'
import { post } from '../notify/webhook.ts'

const heartbeats = new Counter({
  name: 'callsight_heartbeats_total',
  help: 'Heartbeats by result: sent, failed, withheld (judging does not work)',
  labelNames: ['result'] as const,
  registers: [registry],
})

/**
 * Tells a service elsewhere that alerts are judged (a dead man's switch): when it hears nothing, it raises the alarm that
 * this collector cannot raise itself. A heartbeat that fails is not repeated; the next one follows in a minute.
 *
 * @param judgedMs when all alerts were last judged without a failure; undefined: never
 * @returns what went wrong, without the URL, which is a secret; empty when it was sent, or withheld
 */
export async function beat(
  url: string,
  judgedMs: number | undefined,
  nowMs: number,
  allowPrivate: AllowPrivate,
): Promise<string> {
  if (judgedMs === undefined || nowMs - judgedMs > limits.heartbeatAgeMs) {
    heartbeats.inc({ result: 'withheld' })
    return ''
  }
  const body = JSON.stringify({ judged_at: new Date(judgedMs).toISOString() })
  const guard = { ...allowPrivate, channel: false }
  const { error } = await post({ url, headers: {}, body }, guard, new AbortController().signal)
  heartbeats.inc({ result: error === '' ? 'sent' : 'failed' })
  return error
}
