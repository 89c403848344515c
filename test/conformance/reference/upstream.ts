import { limits } from '../../../collector/src/limits.ts'
import { readQuotas } from '../../../collector/src/receive/upstream/header.ts'
import type { Told } from '../../../collector/src/receive/upstream/told.ts'
import type { Row } from '../../../collector/src/store/store.ts'
import { microText, timeText } from '../../../collector/src/store/time.ts'
import type { Span } from './otlp.ts'
import { quotaField } from './payload.ts'
import { count } from './value.ts'

const NOTHING = { unit: '', allowed: undefined, remaining: undefined, resetAtMs: undefined, windowS: undefined }

/** One word of one answer. */
interface Word {
  key: string
  atUs: number
  slackUs: number
  call: Row
  told: Told
  refused: boolean
  retryAtMs: number | undefined
}

/**
 * The rows of `upstream_limits` of one request: its words by quota, instance and second, and of each the newest, with how
 * many there were. How a header is read is not repeated here: that has fixtures and an oracle of its own.
 *
 * @param outgoing spans of outgoing calls with their rows
 */
export function upstreamRows(outgoing: readonly { span: Span; call: Row; ours: boolean }[], now: number): Row[] {
  const groups = new Map<string, Word[]>()
  for (const { span, call, ours } of outgoing) {
    const slackUs = ours ? 0 : limits.upstreamClockUs
    for (const word of wordsOf(span, call, now, slackUs)) groups.set(word.key, [...(groups.get(word.key) ?? []), word])
  }
  return [...groups.values()].map(rowOf)
}

function wordsOf({ attributes: a, startNs, endNs }: Span, call: Row, now: number, slackUs: number): Word[] {
  const fields = new Map<string, string>()
  for (const key in a) {
    const name = quotaField(key)
    const value = a[key]
    if (name === undefined || value === null || value instanceof Uint8Array) continue
    if (typeof value === 'object' && !Array.isArray(value)) continue
    const text = Array.isArray(value) ? value.filter((one) => typeof one === 'string').join(', ') : String(value)
    fields.set(name, fields.has(name) ? `${fields.get(name)}, ${text}` : text)
  }
  const spoke = Object.keys(a).some((key) => quotaField(key) !== undefined)
  if (!spoke && call.status !== 429) return []
  const duration = endNs > startNs ? Number((endNs - startNs) / 1000n) : 0
  const first = count(a['callsight.ttfb_us'])
  const latest = (now + limits.futureMs) * 1000
  const atUs = Math.min(Number(startNs / 1000n) + (first > 0 ? Math.min(first, duration) : duration), latest)
  const { quotas, retryAtMs, refused } = readQuotas(fields, Number(call.status), Math.floor(atUs / 1000))
  const empty = quotas.filter(({ remaining }) => remaining === 0)
  const blamed = !refused ? [] : empty.length > 0 || quotas.length > 1 ? empty : quotas
  const unnamed: Told[] = refused && blamed.length === 0 ? [{ ...NOTHING, policy: '', dialect: 'none' }] : []
  return [...unnamed, ...quotas].map((told) => {
    const blame = blamed.includes(told) || unnamed.includes(told)
    const second = Math.floor(atUs / 1000 / limits.upstreamRowMs)
    const { env, service, instance, peer, peer_port } = call
    const key = JSON.stringify([env, service, instance, peer, peer_port, told.policy, second])
    return { key, atUs, slackUs, call, told, refused: blame, retryAtMs: blame ? retryAtMs : undefined }
  })
}

function rowOf(words: Word[]): Row {
  const telling = words.filter(({ told }) => told.dialect !== 'none')
  const last = (telling.length > 0 ? telling : words.slice(0, 1)).reduce((a, b) =>
    b.atUs + b.slackUs >= a.atUs ? { ...b, atUs: Math.max(a.atUs, b.atUs) } : a,
  )
  const { call, told } = last
  const retry = words.findLast(({ retryAtMs }) => retryAtMs !== undefined)?.retryAtMs
  // NaN where chance has rounded a weight.
  const weight = (some: Word[]) => some.reduce((sum, word) => sum + Number(word.call.weight), 0)
  const { env, service, instance, peer, peer_port } = call
  return {
    ts: microText(BigInt(last.atUs) * 1000n),
    env,
    service,
    instance,
    peer,
    peer_port,
    policy: told.policy,
    unit: told.unit,
    dialect: told.dialect,
    allowed: told.allowed ?? null,
    remaining: told.remaining ?? null,
    resets_at: told.resetAtMs === undefined ? null : timeText(told.resetAtMs),
    window_s: told.windowS ?? null,
    retry_at: retry === undefined ? null : timeText(retry),
    calls: weight(words),
    refused: weight(words.filter(({ refused }) => refused)),
  }
}
