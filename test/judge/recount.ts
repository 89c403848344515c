import type { Objective, Outcome } from '../../collector/src/config/config.ts'
import { calendarPeriod } from '../../collector/src/judge/calendar.ts'

/** A call as it is stored. */
export interface RawCall {
  atMs: number
  direction: 'in' | 'out'
  service: string
  operation: string
  consumer: string
  status: number
  outcome: Outcome
  durationUs: number
  weight: number
}

const MINUTE = 60_000
const QUARTER = 15 * MINUTE
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const PARTS = 1_000_000_000n
const lookbacks = [5 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR, DAY, 3 * DAY]

/**
 * What docs/objectives.md says of counting, done the slow way: every span from every call, with nothing of the judge's
 * but the calendar.
 */
export function recount(objective: Objective, timeZone: string, calls: readonly RawCall[], atMs: number) {
  const { calendar, windowMs, sliceMs, method } = objective
  const sliced = method !== 'occurrences'
  const coarse = sliced && QUARTER % sliceMs !== 0 ? HOUR : QUARTER
  const period = calendar === undefined ? undefined : calendarPeriod(calendar, timeZone, atMs)
  const phase = (period?.startMs ?? 0) % coarse
  const floor = (ms: number, width: number) => Math.floor((ms - phase) / width) * width + phase
  const endMs = sliced ? floor(atMs - 5000, sliceMs) : floor(atMs, MINUTE) + MINUTE
  const now = sliced ? endMs : floor(atMs, MINUTE)
  const fromMs = period?.startMs ?? floor(atMs - windowMs, windowMs > HOUR ? coarse : sliced ? sliceMs : MINUTE)
  const mine = calls.filter((call) => counts(objective, call))
  const count = (from: number) => (sliced ? bySlice(objective, mine, from, endMs) : byCall(objective, mine, from, endMs))
  return {
    ...count(fromMs),
    recent: lookbacks.map((ms) => {
      const from = sliced ? now - Math.ceil(ms / sliceMs) * sliceMs : now - ms
      return { overMs: ms, ...count(ms > HOUR ? floor(from, coarse) : from) }
    }),
  }
}

function matches(pattern: string | undefined, operation: string): boolean {
  if (pattern === undefined) return true
  const literal = pattern.split('*').map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${literal.join('.*')}$`, 's').test(operation)
}

function counts({ service, operation, consumer, per, good, exclude }: Objective, call: RawCall): boolean {
  if (call.direction !== 'in' || (service !== undefined && call.service !== service)) return false
  if (!matches(operation, call.operation)) return false
  if (consumer !== undefined && call.consumer !== consumer) return false
  if (per === 'consumer' && call.consumer === '') return false
  if (exclude.some(({ fromMs, toMs }) => call.atMs >= fromMs && call.atMs < toMs)) return false
  if (good.notCountedStatuses.includes(call.status)) return false
  if (good.failedStatuses.includes(call.status) || good.goodStatuses.includes(call.status)) return true
  return !good.notCounted.includes(call.outcome)
}

function isBad({ good, latencyBelowUs }: Objective, call: RawCall): boolean {
  if (good.failedStatuses.includes(call.status)) return true
  if (good.failed.includes(call.outcome) && !good.goodStatuses.includes(call.status)) return true
  return latencyBelowUs !== undefined && call.durationUs >= latencyBelowUs
}

function byCall(objective: Objective, calls: readonly RawCall[], fromMs: number, toMs: number) {
  let [total, bad] = [0, 0]
  for (const call of calls) {
    if (call.atMs < fromMs || call.atMs >= toMs) continue
    total += call.weight
    if (isBad(objective, call)) bad += call.weight
  }
  return { calls: total, badCalls: bad, total, bad, silent: 0 }
}

function bySlice(objective: Objective, calls: readonly RawCall[], fromMs: number, toMs: number) {
  const { sliceMs, method, sliceTarget, empty } = objective
  const sum = { calls: 0, badCalls: 0, silent: 0 }
  let [slices, bad] = [0n, 0n]
  const found = new Map<number, { total: number; bad: number }>()
  for (const call of calls) {
    if (call.atMs < fromMs || call.atMs >= toMs) continue
    const at = fromMs + Math.floor((call.atMs - fromMs) / sliceMs) * sliceMs
    const slice = found.get(at) ?? { total: 0, bad: 0 }
    slice.total += call.weight
    if (isBad(objective, call)) slice.bad += call.weight
    found.set(at, slice)
  }
  for (let at = fromMs; at < toMs; at += sliceMs) {
    if (outside(objective, at, at + sliceMs)) continue
    const slice = found.get(at)
    if (slice === undefined) {
      sum.silent++
      if (empty !== 'ignore') slices++
      if (empty === 'bad') bad += PARTS
      continue
    }
    slices++
    sum.calls += slice.total
    sum.badCalls += slice.bad
    const [b, t] = [BigInt(slice.bad), BigInt(slice.total)]
    if (method === 'ratio_timeslices') bad += (b * 2n * PARTS + t) / (t * 2n)
    else if (b * BigInt(sliceTarget!.denominator) > t * BigInt(sliceTarget!.denominator - sliceTarget!.numerator)) bad += PARTS
  }
  return { ...sum, total: Number(slices * PARTS), bad: Number(bad) }
}

/** Whether each minute is excluded. */
function outside({ exclude }: Objective, fromMs: number, toMs: number): boolean {
  for (let at = fromMs; at < toMs; at += MINUTE) {
    if (!exclude.some(({ fromMs, toMs }) => at >= fromMs && at < toMs)) return false
  }
  return true
}
