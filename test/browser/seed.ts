import type { Row, Store } from '../../collector/src/store/store.ts'
import { secondText, timeText } from '../../collector/src/store/time.ts'
import { randomly } from '../random.ts'
import { instanceOf, seedReports } from './reports.ts'

/** A call as the seed makes it, for recounting in TypeScript what a panel answers in SQL. */
export interface SeededCall {
  ms: number
  service: string
  operation: string
  consumer: string
  plan: string
  outcome: 'ok' | 'client_error' | 'server_error' | 'timeout' | 'aborted'
  status: number
  duration_us: number
}

/** A service whose name tries to end an SQL string, by quote and by backslash. */
export const awkwardService = `o'brien\\`

const minute = 60_000
const services: Record<string, string[]> = {
  shop: ['GET /books', 'GET /books/:id', 'POST /orders', 'GET /orders/:id', 'DELETE /orders/:id'],
  billing: ['GET /invoices', 'POST /payments', 'GET /payments/:id'],
  [awkwardService]: ['GET /pubs'],
}
const consumers = [
  { consumer: 'acme', name: 'Acme Corp', plan: 'gold', share: 34 },
  { consumer: 'globex', name: 'Globex', plan: 'gold', share: 22 },
  { consumer: 'initech', name: 'Initech', plan: 'silver', share: 16 },
  { consumer: 'umbrella', name: 'Umbrella Analytics International Ltd', plan: 'silver', share: 10 },
  { consumer: 'key_4f1c9a03bb27de55810e6cd2a94f7b13', name: '', plan: '', share: 9 },
  { consumer: 'hooli', name: 'Hooli', plan: 'free', share: 6 },
  { consumer: '', name: '', plan: '', share: 3 },
]

/**
 * Fills the store with a day of calls before `now`, two a second in the last 20 minutes and one each 15 s before that,
 * with what their agents would have reported, and with what a judge would have found. The same `now` gives the same rows.
 */
export async function seed(store: Store, now: number): Promise<SeededCall[]> {
  const calls = seededCalls(now)
  for (let at = 0; at < calls.length; at += 20_000) {
    await store.insert('calls', calls.slice(at, at + 20_000).map(rowOf), `seed-calls-${now}-${at}`)
  }
  const known = consumers.filter(({ name }) => name !== '')
  await store.insert(
    'consumers',
    known.map(({ consumer, name, plan }) => ({ consumer, name, plan, changed_at: text(now) })),
    `seed-consumers-${now}`,
  )
  await seedJudgements(store, now)
  await seedReports(store, now, calls, awkwardService)
  return calls
}

function seededCalls(now: number): SeededCall[] {
  const random = randomly(7)
  const calls: SeededCall[] = []
  let ms = now - 24 * 60 * minute
  while (ms < now - 1500) {
    calls.push(call(ms, now, random))
    ms += (ms < now - 20 * minute ? 15_000 : 500) * (0.5 + random())
  }
  return calls
}

function call(ms: number, now: number, random: () => number): SeededCall {
  const pick = random()
  const service = pick < 0.62 ? 'shop' : pick < 0.97 ? 'billing' : awkwardService
  const operations = services[service]!
  const operation = operations[Math.floor(random() ** 1.7 * operations.length)]!
  const { consumer, plan } = consumerOf(random() * 100)
  // Initech's calls are slow and a spell of failures lies six minutes back, so that lines differ.
  const spell = Math.abs(now - ms - 6 * minute) < 70_000 && service === 'shop'
  const slow = consumer === 'initech' ? 6 : operation.startsWith('POST') ? 2.5 : 1
  const duration_us = Math.round(8000 * slow * Math.exp(random() * 2.2 + (random() < 0.03 ? 2.4 : 0)))
  const luck = random()
  const outcome =
    luck < (spell ? 0.22 : 0.006)
      ? 'server_error'
      : luck < (spell ? 0.25 : 0.009)
        ? 'timeout'
        : luck < (spell ? 0.3 : 0.06)
          ? 'client_error'
          : luck > 0.994
            ? 'aborted'
            : 'ok'
  const status = { ok: 200, client_error: 404, server_error: 500, timeout: 504, aborted: 499 }[outcome]
  return { ms: Math.round(ms), service, operation, consumer, plan, outcome, status, duration_us }
}

/** The consumer whose share of 100 a ticket falls into. */
function consumerOf(ticket: number) {
  let end = 0
  for (const one of consumers) {
    end += one.share
    if (ticket < end) return one
  }
  return consumers[0]!
}

function rowOf(call: SeededCall, index: number): Row {
  const { ms, ...rest } = call
  const [method, route] = call.operation.split(' ') as [string, string]
  const id = index.toString(16).padStart(16, '0')
  return {
    ts: text(ms),
    direction: 'in',
    env: 'test',
    instance: instanceOf(call),
    style: 'rest',
    method,
    route,
    path: route,
    ...rest,
    ttfb_us: Math.round(call.duration_us * 0.8),
    request_bytes: 120,
    response_bytes: 900,
    trace_id: `${Math.round(ms).toString(16).padStart(16, '0')}${id}`,
    span_id: id,
  }
}

async function seedJudgements(store: Store, now: number): Promise<void> {
  const objectives = [
    {
      objective: 'books-answer',
      service: 'shop',
      operation: 'GET /books*',
      consumer: '',
      target: 0.999,
      left: 0.71,
      burn: 0.4,
    },
    {
      objective: 'checkout-fast',
      service: 'shop',
      operation: 'POST /orders',
      consumer: 'acme',
      target: 0.995,
      left: 0.18,
      burn: 2.6,
    },
    {
      objective: 'checkout-fast',
      service: 'shop',
      operation: 'POST /orders',
      consumer: 'initech',
      target: 0.995,
      left: -0.42,
      burn: 15.8,
    },
    {
      objective: 'payments-work',
      service: 'billing',
      operation: '',
      consumer: '',
      target: 0.99,
      left: 0.93,
      burn: 0.1,
    },
  ]
  const states = objectives.flatMap(({ left, burn, ...rest }) =>
    // An older row that says something else: only the newest counts.
    [5, 0].map((minutes) => ({
      ts: text(now - minutes * minute - 2000),
      ...rest,
      window: '30d',
      total: 100_000,
      bad: Math.round((1 - rest.target) * (1 - left) * 100_000),
      attainment: 1 - (1 - rest.target) * (1 - left),
      budget_left: minutes === 0 ? left : 1,
      burn_rate_1h: minutes === 0 ? burn : 0,
      burn_rate_5m: burn,
    })),
  )
  await store.insert('objective_states', states, `seed-objectives-${now}`)

  const quotas = [
    {
      quota: 'monthly',
      plan: 'gold',
      consumer: 'acme',
      per: 'month',
      used: 412_208,
      allowed: 1_000_000,
      ends: 9 * 24 * 60,
    },
    { quota: 'burst', plan: 'gold', consumer: 'acme', per: '1m', used: 52, allowed: 600, ends: 0.6 },
    {
      quota: 'monthly',
      plan: 'gold',
      consumer: 'globex',
      per: 'month',
      used: 733_019,
      allowed: 1_000_000,
      ends: 9 * 24 * 60,
    },
    {
      quota: 'monthly',
      plan: 'silver',
      consumer: 'initech',
      per: 'month',
      used: 96_840,
      allowed: 100_000,
      ends: 9 * 24 * 60,
    },
    { quota: 'monthly', plan: 'free', consumer: 'hooli', per: 'month', used: 1130, allowed: 1000, ends: 9 * 24 * 60 },
  ]
  await store.insert(
    'quota_states',
    quotas.map(({ ends, ...rest }) => ({
      ts: text(now - 2000),
      ...rest,
      period_start: text(now - 21 * 24 * 60 * minute, 0),
      period_end: text(now + ends * minute, 0),
      used_ratio: rest.used / rest.allowed,
    })),
    `seed-quotas-${now}`,
  )

  const alert = (rule: string, labels: Record<string, string>, state: string, minutes: number, value: number) => ({
    ts: text(now - minutes * minute),
    id: `${rule}-${JSON.stringify(labels)}-${minutes}`,
    rule,
    fingerprint: `${rule} ${JSON.stringify(labels)}`,
    labels,
    severity: 'page',
    state,
    value,
    threshold: 300,
    calls: 120,
    summary: `${rule}: ${value < 1 ? `the error rate is ${value * 100} %` : `p95 is ${value} ms`}, in 120 calls of 5m`,
    active_since: text(now - (minutes + 1) * minute),
  })
  await store.insert(
    'alert_events',
    [
      alert('slow-checkout', { service: 'shop', operation: 'POST /orders' }, 'pending', 5, 312.5),
      alert('slow-checkout', { service: 'shop', operation: 'POST /orders' }, 'firing', 4, 341.2),
      alert('failing', { service: 'shop', operation: 'GET /books' }, 'firing', 6, 0.22),
      alert('failing', { service: 'shop', operation: 'GET /books' }, 'resolved', 3, 0.004),
      alert('slow-payments', { service: 'billing', operation: 'POST /payments' }, 'pending', 0.5, 301),
    ],
    `seed-alerts-${now}`,
  )
}

/** As ClickHouse reads a DateTime64, or with no digits a DateTime. */
function text(ms: number, digits: 0 | 3 = 3): string {
  return digits === 3 ? timeText(Math.round(ms)) : secondText(Math.round(ms))
}
