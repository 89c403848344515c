import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Token } from '../config/config.ts'
import type { Judge } from '../judge/judge.ts'
import type { Row, Store } from '../store/store.ts'
import type { Door } from '../token.ts'
import { callFilter, nextPage } from './calls.ts'
import { Problem } from './problem.ts'
import { pageSize, quantile, range, time } from './traffic.ts'

type Query = Record<string, string | undefined>

/** What a token of a consumer opens beside the portal's own: the answers that are about its consumer alone. */
const ownOnly = ['/api/v1/consumers/:id/usage', '/api/v1/consumers/:id/sla']
const portal = '/api/v1/portal'

/** Why a token of a consumer does not open this, or undefined when it does. Everything that is not listed stays closed. */
export function trespass(token: Token, { method, routeOptions, params }: FastifyRequest): string | undefined {
  const { url = '' } = routeOptions
  const own = ownOnly.includes(url) && (params as { id?: string }).id === token.consumer
  if (method === 'GET' && (own || url === portal || url.startsWith(`${portal}/`))) return undefined
  return `this token sees what concerns the consumer ${JSON.stringify(token.consumer)} alone: /portal shows it`
}

/**
 * What an API's own customer may see: who it is, its traffic, its calls. Nothing here says anything of others, nor what
 * is the provider's own: instances, versions, addresses, attributes, bodies.
 */
export function portalRoutes(parts: { store: Store; judge: Judge; door: Door }) {
  const { store, judge, door } = parts
  const consumerOf = ({ headers }: FastifyRequest): string => {
    const pass = door.admit(headers.authorization)
    const consumer = 'token' in pass ? pass.token?.consumer : undefined
    if (consumer === undefined) {
      throw new Problem(
        401,
        'the portal needs a token of scope consumer: callsight token create --scope consumer --consumer ID',
      )
    }
    return consumer
  }

  return async (server: FastifyInstance) => {
    server.get(portal, async (request) => {
      const id = consumerOf(request)
      const { name, plan, timeZone } = judge.config.consumers.find((consumer) => consumer.id === id) ?? {}
      return { id, name: name ?? id, plan: plan ?? null, time_zone: timeZone ?? 'UTC', now: time(Date.now()) }
    })

    server.get(`${portal}/traffic`, async (request) => {
      const { from, to } = range(request.query as Query)
      const stepS = stepOf(to - from)
      const { sql, params } = trafficQuestion(consumerOf(request), from, to, stepS)
      return { from: time(from), to: time(to), step_s: stepS, points: await store.ask(sql, params) }
    })

    server.get(`${portal}/calls`, async (request) => {
      const { outcome, operation, status, from, to, cursor, limit } = request.query as Query
      const consumer = consumerOf(request)
      const { where, params } = callFilter({ outcome, operation, status, from, to, cursor, consumer, direction: 'in' })
      const size = pageSize({ limit: limit ?? '50' })
      const calls = await store.ask(
        `SELECT ${columns} FROM calls WHERE ${where} ORDER BY calls.ts DESC, trace_id, span_id LIMIT ${size}`,
        params,
      )
      return { calls, next: nextPage(calls, size) }
    })
  }
}

const columns = `formatDateTime(ts, '%Y-%m-%dT%H:%i:%S.%fZ', 'UTC') AS ts, concat(trace_id, '-', span_id) AS id, style,
  operation, method, status, outcome, error_code, duration_us / 1000 AS duration_ms, request_bytes, response_bytes`

/** Seconds of a point: at most some two hundred points, and whole minutes. */
function stepOf(spanMs: number): number {
  const steps = [60, 300, 900, 3600, 6 * 3600, 24 * 3600]
  return steps.find((step) => spanMs / 1000 / step <= 200) ?? steps.at(-1)!
}

/** Calls of a consumer by time: of whole minutes, from the roll-ups. */
function trafficQuestion(consumer: string, from: number, to: number, stepS: number): { sql: string; params: Row } {
  const [table, time] = stepS < 900 ? ['calls_1m', 'minute'] : ['calls_15m', 'quarter']
  return {
    sql: `SELECT formatDateTime(at, '%Y-%m-%dT%H:%i:%SZ', 'UTC') AS ts, calls, failed, client_errors, p50_ms, p95_ms
FROM (
  SELECT toStartOfInterval(${time}, toIntervalSecond({step:UInt32}), 'UTC') AS at,
    sum(${table}.calls) AS calls,
    sumIf(${table}.calls, outcome IN ('server_error', 'timeout')) AS failed,
    sumIf(${table}.calls, outcome = 'client_error') AS client_errors,
    sumMap(${table}.hist) AS h, ${quantile(0.5)} AS p50_ms, ${quantile(0.95)} AS p95_ms
  FROM ${table}
  WHERE direction = 'in' AND consumer = {consumer:String}
    AND ${time} >= toDateTime({from:UInt32}) AND ${time} < toDateTime({to:UInt32})
  GROUP BY at
)
ORDER BY at`,
    params: { consumer, from: from / 1000, to: to / 1000, step: stepS },
  }
}
