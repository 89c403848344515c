import type { AlertRule } from '../../config/config.ts'
import { limits } from '../../limits.ts'
import type { Reader, Readings } from './reader.ts'
import type { Labels } from './reading.ts'
import { breaks, shown, tellingPoint } from './reading.ts'
import { judgeRules } from './round.ts'
import type { Alert } from './step.ts'

/** One time that a rule would have fired for one label set. */
export interface Firing {
  readonly labels: Labels
  /** When the condition first held. */
  readonly sinceMs: number
  /** When somebody would have been told … */
  readonly firedMs: number
  /** … and of the end; undefined: it still fires at the end of the range. */
  readonly resolvedMs: number | undefined
  /** What the first notice would have said. */
  readonly summary: string
  /** The value furthest beyond the threshold while it fired, in the unit of the rule, and its calls. */
  readonly worst: number | null
  readonly calls: number
}

/** What was measured at a moment: of the label set nearest to firing, or furthest beyond. */
export interface Measured {
  readonly atMs: number
  /** In the unit of the rule; null without calls. */
  readonly value: number | null
  readonly calls: number
  /** Label sets with calls, and those whose condition held. */
  readonly sets: number
  readonly held: number
}

export interface Backtest {
  readonly stepMs: number
  readonly firings: readonly Firing[]
  readonly series: readonly Measured[]
}

/** Why a rule cannot be replayed over a range, or undefined when it can. */
export function unfit(rule: AlertRule, fromMs: number, toMs: number): string | undefined {
  const { metric } = rule.when
  if (metric === 'burn_rate' || metric === 'quota_used' || metric === 'quota_forecast') {
    return `${metric} is judged on what objectives and quotas say at the time, which cannot be asked for the past: replay a rule on calls`
  }
  const widest = rule.overMs * rule.points.of
  if (stepOf(fromMs, toMs) <= widest) return undefined
  return `a window of ${widest / 1000} s is too short for a range of this length: not every call would be looked at; choose at most ${Math.floor((widest * limits.backtestSteps) / 3600_000)} hours`
}

/** How far apart the moments are: as the judge's own ticks, or further where that would be too many. */
function stepOf(fromMs: number, toMs: number, steps: number = limits.backtestSteps): number {
  return Math.max(1, Math.ceil((toMs - fromMs) / steps / limits.tickMs)) * limits.tickMs
}

/** The same for so many moments, or for more where windows are so short that calls between them would not be seen. */
function stepWithin(rule: AlertRule, fromMs: number, toMs: number, steps: number): number {
  const window = Math.floor((rule.overMs * rule.points.of) / limits.tickMs) * limits.tickMs
  return Math.max(stepOf(fromMs, toMs), Math.min(stepOf(fromMs, toMs, steps), window))
}

/**
 * Judges a rule as it would have been over [fromMs, toMs), by the same questions and the same state machine, at moments
 * a step apart, `steps` of them where that is enough to see every call. Yields the share that is done now and then, and returns what it found.
 *
 * @throws Error when the store cannot be asked
 */
export async function* backtest(
  reader: Pick<Reader, 'expect' | 'read'>,
  rule: AlertRule,
  fromMs: number,
  toMs: number,
  steps: number = limits.backtestSteps,
): AsyncGenerator<number, Backtest> {
  const stepMs = stepWithin(rule, fromMs, toMs, steps)
  const series: Measured[] = []
  const firings: (Firing & { fingerprint: string })[] = []
  let alerts: ReadonlyMap<string, Alert> = new Map()
  let toldMs = Date.now()
  for (let atMs = fromMs + stepMs; atMs <= toMs; atMs += stepMs) {
    let readings: Readings = new Map()
    const tapped = {
      expect: (...asked: Parameters<Reader['expect']>) => reader.expect(...asked),
      read: async (...asked: Parameters<Reader['read']>) => {
        const found = await reader.read(...asked)
        if (asked[1] === atMs && found !== undefined) readings = found
        return found
      },
    }
    const found = await judgeRules({
      reader: tapped,
      rules: [rule],
      alerts,
      until: { toMs: atMs, heldMs: 0, partial: false },
      failed: (_, error) => {
        throw error
      },
    })
    alerts = found.alerts
    note(firings, found, rule)
    series.push(measured(rule, readings, atMs))
    if (Date.now() - toldMs < limits.progressMs) continue
    toldMs = Date.now()
    yield (atMs - fromMs) / (toMs - fromMs)
  }
  return { stepMs, firings: firings.map(({ fingerprint: _, ...firing }) => firing), series }
}

/** Takes on what changed, and how far beyond the threshold the firing ones are. */
function note(
  firings: (Firing & { fingerprint: string })[],
  { alerts, events }: Awaited<ReturnType<typeof judgeRules>>,
  rule: AlertRule,
): void {
  for (const { event } of events) {
    const { fingerprint, labels, activeSinceMs: sinceMs, atMs, summary, calls } = event
    const open = firings.findLastIndex((one) => one.fingerprint === fingerprint && one.resolvedMs === undefined)
    if (event.state === 'firing' && open < 0) {
      firings.push({
        fingerprint,
        labels,
        sinceMs,
        firedMs: atMs,
        resolvedMs: undefined,
        summary,
        worst: event.value,
        calls,
      })
    } else if (event.state === 'resolved' && open >= 0) {
      firings[open] = { ...firings[open]!, resolvedMs: atMs }
    }
  }
  const rising = rule.when.comparison.startsWith('>')
  firings.forEach((firing, i) => {
    const alert = firing.resolvedMs === undefined ? alerts.get(firing.fingerprint) : undefined
    if (alert?.value === null || alert === undefined) return
    const worse = firing.worst === null || (rising ? alert.value > firing.worst : alert.value < firing.worst)
    if (worse) firings[i] = { ...firing, worst: alert.value, calls: alert.calls }
  })
}

function measured(rule: AlertRule, readings: Readings, atMs: number): Measured {
  const rising = rule.when.comparison.startsWith('>')
  let value: number | null = null
  let calls = 0
  let held = 0
  for (const reading of readings.values()) {
    const point = tellingPoint(rule, reading)
    if (point === undefined) continue
    if (reading.points.filter((one) => breaks(rule, one)).length >= rule.points.needed) held++
    const one = shown(rule.when, point.value)
    if (value !== null && (rising ? one <= value : one >= value)) continue
    value = one
    calls = point.calls
  }
  return { atMs, value, calls, sets: readings.size, held }
}
