import { randomly } from '../random.ts'
import type { Call } from './calls.ts'

/** A call and when the store has it. */
export interface Arrival extends Call {
  arrivesMs: number
}

/** A day (or the part of one that matters) with what is judged on it. */
export interface Day {
  readonly name: string
  /** callsight.yaml */
  readonly config: string
  readonly fromMs: number
  readonly toMs: number
  /** How often it is judged, by time: often where something happens. */
  stepMs(atMs: number): number
  /** In the order of their arrival. */
  readonly calls: readonly Arrival[]
}

const second = 1000
const minute = 60 * second
const hour = 60 * minute

/** A kind of call: how many a second at a time, and how they go. */
interface Stream {
  rate(atMs: number): number
  call(atMs: number, random: () => number): Partial<Call>
}

/**
 * Calls of streams, one random number generator for each, so that a change of one leaves the others as they are. Calls
 * begin at random moments of each second (a Poisson process), end after their duration and arrive a moment later.
 */
function callsOf(fromMs: number, toMs: number, streams: readonly Stream[]): Arrival[] {
  return streams
    .flatMap(({ rate, call }, i) => {
      const random = randomly(i + 1)
      const calls: Arrival[] = []
      for (let atMs = fromMs; atMs < toMs; atMs += second) {
        for (let left = poisson(rate(atMs), random); left > 0; left--) {
          const begun = atMs + Math.floor(random() * second)
          const made = { ...plain(begun, random), ...call(begun, random) }
          calls.push({ ...made, arrivesMs: begun + Math.ceil(made.durationUs / 1000) + Math.floor(random() * 1500) })
        }
      }
      return calls
    })
    .sort((a, b) => a.arrivesMs - b.arrivesMs)
}

function plain(atMs: number, random: () => number): Call {
  return {
    atMs,
    direction: 'in',
    service: 'shop',
    operation: 'GET /books',
    consumer: 'acme',
    plan: '',
    outcome: 'ok',
    // Log-normal: a median of 40 ms, one in a hundred above 200 ms.
    durationUs: Math.round(40_000 * Math.exp(0.7 * normal(random))),
    weight: 1,
  }
}

/** Knuth's way: fine for small means. */
function poisson(mean: number, random: () => number): number {
  const limit = Math.exp(-mean)
  let count = 0
  for (let product = random(); product > limit; product *= random()) count++
  return count
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

/** More by day than by night, as a share of the day's mean. */
function rhythm(atMs: number): number {
  return 1 - 0.8 * Math.cos(((atMs % (24 * hour)) / hour / 24) * 2 * Math.PI)
}

/** Far from now, so that nothing of it ever is too old for the store. */
const year = 2040

/** Ordinary traffic with its ordinary few failures: nobody is told of anything. */
export function seasonal(): Day {
  const fromMs = Date.UTC(year, 4, 9)
  const toMs = fromMs + 24 * hour
  const consumers = ['acme', 'acme', 'acme', 'bob', 'bob', 'carol', '']
  return {
    name: 'seasonal',
    config: usual,
    fromMs,
    toMs,
    stepMs: () => 60 * minute,
    calls: callsOf(fromMs, toMs, [
      {
        rate: (atMs) => 0.25 * rhythm(atMs),
        call: (_, random) => ({
          consumer: consumers[Math.floor(random() * consumers.length)]!,
          outcome: random() < 0.0008 ? 'server_error' : random() < 0.03 ? 'client_error' : 'ok',
        }),
      },
    ]),
  }
}

/** Ten calls a second; after an hour everything fails for ten minutes. */
export function outage(): Day {
  const fromMs = Date.UTC(year, 5, 12, 9)
  const toMs = fromMs + 100 * minute
  const [begins, ends] = [fromMs + 60 * minute, fromMs + 70 * minute]
  return {
    name: 'outage',
    config: usual,
    fromMs,
    toMs,
    stepMs: (atMs) => (atMs >= begins - 30 * second && atMs < begins + 3 * minute ? 5 * second : 2 * minute),
    calls: callsOf(fromMs, toMs, [
      { rate: () => 10, call: (atMs) => ({ outcome: atMs >= begins && atMs < ends ? 'server_error' : 'ok' }) },
    ]),
  }
}

/** Twenty calls a second, of which a third is slow for five minutes. */
export function slow(): Day {
  const fromMs = Date.UTC(year, 6, 3, 14)
  const toMs = fromMs + 40 * minute
  const [begins, ends] = [fromMs + 15 * minute, fromMs + 20 * minute]
  return {
    name: 'slow',
    config: usual,
    fromMs,
    toMs,
    stepMs: (atMs) => (atMs >= begins - 30 * second && atMs < begins + 3 * minute ? 5 * second : 2 * minute),
    calls: callsOf(fromMs, toMs, [
      {
        rate: () => 20,
        call: (atMs, random) => (atMs >= begins && atMs < ends && random() < 1 / 3 ? { durationUs: 900_000 } : {}),
      },
    ]),
  }
}

/** Ten calls an hour, one of ten of which fails: too few to wake somebody for. */
export function sparse(): Day {
  const fromMs = Date.UTC(year, 7, 20)
  const toMs = fromMs + 24 * hour
  const calls = callsOf(fromMs, toMs, [{ rate: () => 10 / 3600, call: () => ({}) }])
  return {
    name: 'sparse',
    config: usual,
    fromMs,
    toMs,
    stepMs: () => 30 * minute,
    calls: calls.map((call, i) => (i % 10 === 9 ? { ...call, outcome: 'server_error' } : call)),
  }
}

/** Nothing, then a hundred calls within a second, all day long; one burst fails as a whole. */
export function bursty(): Day {
  const fromMs = Date.UTC(year, 8, 1)
  const toMs = fromMs + 24 * hour
  const failing = fromMs + 13 * hour
  return {
    name: 'bursty',
    config: usual,
    fromMs,
    toMs,
    stepMs: (atMs) => (atMs >= failing && atMs < failing + 10 * minute ? 20 * second : 60 * minute),
    calls: callsOf(fromMs, toMs, [
      {
        rate: (atMs) => (atMs % (20 * minute) === 0 ? 100 : 0),
        call: (atMs) =>
          atMs >= failing && atMs < failing + second ? { outcome: 'timeout', durationUs: 30_000_000 } : {},
      },
    ]),
  }
}

/** The day on which Berlin's clocks go back, 25 hours long; every fiftieth call arrives hours late. */
export function clocksBack(): Day {
  // 28 October 2040, a Sunday: it begins at 22:00 of the day before in UTC, and ends at 23:00.
  const fromMs = Date.UTC(year, 9, 27, 20)
  const toMs = Date.UTC(year, 9, 29, 3)
  const calls = callsOf(fromMs, toMs, [
    {
      rate: () => 0.1,
      call: (_, random) => ({ outcome: random() < 0.0003 ? 'server_error' : 'ok' }),
    },
  ])
  const late = calls.map((call, i) => (i % 50 === 49 ? { ...call, arrivesMs: call.arrivesMs + 2.5 * hour } : call))
  return {
    name: 'clocks-back',
    config: usual,
    fromMs,
    toMs,
    stepMs: () => 60 * minute,
    calls: late.sort((a, b) => a.arrivesMs - b.arrivesMs),
  }
}

const usual = `plans:
  gold:
    quotas:
      - { name: daily, limit: 10000, per: day }
      - { name: monthly, limit: 100000, per: month }
consumers:
  - { id: acme, plan: gold, time_zone: Europe/Berlin }
  - { id: bob, plan: gold }
objectives:
  - { name: available, service: shop, target: 99.9%, window: 30d, notify: [ops] }
  - { name: fast, service: shop, per: consumer, good: { latency_below: 300ms }, target: 95%, window: day }
  - { name: slices, service: shop, target: 99%, window: 7d, method: timeslices, slice: 5m, slice_target: 95% }
  - { name: mean, service: shop, target: 99%, window: month, method: ratio_timeslices, slice: 1h, empty: ignore }
alerts:
  - { name: slow, service: shop, when: p95 > 300ms, over: 5m, min_calls: 20, notify: [ops] }
  - { name: errors, service: shop, when: error_rate > 5%, over: 5m, for: 1m, keep_firing_for: 2m, notify: [ops] }
channels:
  ops: { webhook: "http://127.0.0.1:1/nobody" }
`

export const days = [seasonal, outage, slow, sparse, bursty, clocksBack]
