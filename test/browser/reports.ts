import type { Row, Store } from '../../collector/src/store/store.ts'
import { timeText } from '../../collector/src/store/time.ts'
import type { SeededCall } from './seed.ts'

const minute = 60_000

/** One start of an instance's agent, for recounting what a panel answers. */
interface Start {
  service: string
  instance: string
  version: string
  /** Milliseconds. */
  from: number
  to: number
  /** Calls that were dropped, by reason, and when. */
  dropped: Record<string, { at: number; calls: number }>
  /** On their way at its end. */
  underWay: number
  /** CPU, in microseconds a call. */
  work: number
  faults: Record<string, number>
  disabled: string[]
}

/** The instance a seeded call belongs to: shop runs twice, all others once. */
export function instanceOf({ service, ms }: Pick<SeededCall, 'service' | 'ms'>): string {
  const prefix = service === 'shop' || service === 'billing' ? service : 'pubs'
  return `${prefix}-${prefix === 'shop' && ms % 3 === 0 ? 2 : 1}`
}

export function startsBefore(now: number, service: string): Start[] {
  const begin = now - 24 * 60 * minute
  const plain = { version: '0.2.0', from: begin, to: now, dropped: {}, underWay: 0, work: 31, faults: {}, disabled: [] }
  return [
    { ...plain, service: 'shop', instance: 'shop-1', underWay: 3 },
    {
      ...plain,
      service: 'shop',
      instance: 'shop-2',
      // The collector could not be reached for a moment.
      dropped: { queue_full: { at: now - 6 * minute, calls: 12 }, refused: { at: now - 3 * minute, calls: 2 } },
      faults: { bodies: 5, routes: 1 },
      disabled: ['bodies'],
      underWay: 1,
      work: 38,
    },
    // Killed at eight minutes before now, with four calls in its queue.
    { ...plain, service: 'billing', instance: 'billing-1', to: now - 8 * minute, underWay: 4, work: 120 },
    { ...plain, service: 'billing', instance: 'billing-1', from: now - 8 * minute, work: 120 },
    { ...plain, service, instance: 'pubs-1', version: '0.1.0', work: 0 },
  ]
}

/** What the agents of the seeded calls reported: every 10 s in the last 30 minutes, every 10 min before. */
export async function seedReports(store: Store, now: number, calls: SeededCall[], service: string): Promise<void> {
  const rows = startsBefore(now, service).flatMap((start) => {
    const own = calls.filter(
      (call) => instanceOf(call) === start.instance && call.ms >= start.from && call.ms < start.to,
    )
    const times: number[] = []
    for (let ms = start.from; ms <= start.to; ms += ms < now - 30 * minute ? 10 * minute : 10_000) times.push(ms)
    let stored = 0
    return times.map((ms) => {
      while (stored < own.length && own[stored]!.ms <= ms) stored++
      return reportOf(start, ms, stored, ms === times.at(-1))
    })
  })
  await store.insert('agent_reports', rows, `seed-reports-${now}`)
}

function reportOf(start: Start, ms: number, stored: number, last: boolean): Row {
  const dropped = Object.fromEntries(
    Object.entries(start.dropped).flatMap(([reason, { at, calls }]) => (at <= ms ? [[reason, calls]] : [])),
  )
  const lost = Object.values(dropped).reduce((sum, calls) => sum + calls, 0)
  const trouble = lost > 0
  const underWay = last ? start.underWay : 0
  const old = start.version === '0.1.0'
  const kept = Math.floor(stored * 0.12)
  return {
    ts: timeText(ms),
    env: 'test',
    service: start.service,
    instance: start.instance,
    version: start.version,
    // The older agent says nothing of all this.
    started_at: timeText(old ? 0 : start.from),
    seen: stored + lost + underWay,
    sent: stored,
    dropped,
    ...(old
      ? {}
      : {
          payloads_kept: kept,
          payloads_dropped: kept > 20 ? { rate: Math.floor(kept / 9), ...(trouble ? { queue_full: 25 } : {}) } : {},
          // It grows with every call, by a little more or less.
          work_us: Math.round(start.work * (stored + lost + 12 * Math.sin((stored + lost) / 60))),
          queue_bytes: 1500 + (ms % 7000) + (start.instance === 'shop-2' && lost === 12 ? 900_000 : 0),
          queue_calls: 4,
          open_calls: 2 + (Math.floor(ms / 10_000) % 5),
          faults: trouble ? start.faults : {},
          disabled: trouble ? start.disabled : [],
        }),
  }
}
