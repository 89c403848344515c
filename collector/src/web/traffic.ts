import type { FastifyInstance } from 'fastify'
import { limits } from '../limits.ts'
import type { Row, Store } from '../store/store.ts'
import { Problem } from './problem.ts'

/** Query parameters of a list, as they arrive. */
type Query = Record<string, string | undefined>

const MINUTE = 60_000

/** A quantile of a merged histogram `h`, in milliseconds: see sql/0003_rollups.sql. */
export function quantile(p: number): string {
  return `round(exp2((mapKeys(h)[arrayFirstIndex(n -> n >= ${p} * calls, arrayCumSum(mapValues(h)))] - 0.5) / 16) / 1000, 3)`
}

/** What is told of each service, operation or consumer. */
const figures = `sum(calls_1m.calls) AS calls,
  sumIf(calls_1m.calls, outcome IN ('server_error', 'timeout')) AS failed,
  sumIf(calls_1m.calls, outcome = 'client_error') AS client_errors,
  sumIf(calls_1m.calls, outcome = 'aborted') AS aborted,
  failed / calls AS error_rate,
  sumMap(calls_1m.hist) AS h,
  ${quantile(0.5)} AS p50_ms, ${quantile(0.95)} AS p95_ms, ${quantile(0.99)} AS p99_ms,
  sum(calls_1m.request_bytes) AS request_bytes, sum(calls_1m.response_bytes) AS response_bytes`

/** Lists of services, operations and consumers, from the roll-ups. */
export function trafficRoutes(store: Store): (server: FastifyInstance) => Promise<void> {
  /** Sums up by the given columns; figures are whole minutes. */
  async function list(query: Query, by: string[]): Promise<{ from: string; to: string; rows: Row[] }> {
    const { from, to } = range(query)
    const filters = [
      'direction = {direction:String}',
      'minute >= toDateTime({from:UInt32})',
      'minute < toDateTime({to:UInt32})',
    ]
    const params: Row = { direction: query.direction ?? 'in', from: from / 1000, to: to / 1000 }
    for (const column of ['service', 'operation', 'consumer', 'env'] as const) {
      if (query[column] === undefined) continue
      filters.push(`${column} = {${column}:String}`)
      params[column] = query[column]
    }
    const rows = await store.ask(
      `SELECT * EXCEPT h FROM (SELECT ${by.join(', ')}, ${figures} FROM calls_1m WHERE ${filters.join(' AND ')}
       GROUP BY ${by.join(', ')}) ORDER BY calls DESC LIMIT ${pageSize(query)}`,
      params,
    )
    return { from: new Date(from).toISOString(), to: new Date(to).toISOString(), rows }
  }

  return async (server) => {
    server.get('/api/v1/services', async (request) => {
      const { rows, ...about } = await list(request.query as Query, ['service', 'env'])
      return { ...about, services: rows }
    })
    server.get('/api/v1/operations', async (request) => {
      const { rows, ...about } = await list(request.query as Query, ['service', 'operation'])
      return { ...about, operations: rows }
    })
    server.get('/api/v1/consumers', async (request) => {
      const { rows, ...about } = await list(request.query as Query, ['consumer', 'plan'])
      return { ...about, consumers: await withNames(store, rows) }
    })
    server.get('/api/v1/consumers/:id', async (request) => {
      const { id } = request.params as { id: string }
      const { rows, ...about } = await list({ ...(request.query as Query), consumer: id }, ['consumer', 'plan'])
      const { rows: operations } = await list({ ...(request.query as Query), consumer: id }, ['service', 'operation'])
      if (rows.length === 0)
        throw new Problem(404, `no calls of consumer ${JSON.stringify(id)} between ${about.from} and ${about.to}`)
      return { ...about, ...(await withNames(store, rows))[0], operations }
    })
  }
}

async function withNames(store: Store, rows: Row[]): Promise<Row[]> {
  const names = await store.ask<{ consumer: string; name: string }>(
    `SELECT consumer, name FROM consumers FINAL WHERE has({ids:Array(String)}, consumer)`,
    { ids: rows.map((row) => row.consumer) },
  )
  const byId = new Map(names.map(({ consumer, name }) => [consumer, name]))
  return rows.map(({ consumer, ...row }) => ({ id: consumer, name: byId.get(String(consumer)) ?? '', ...row }))
}

/** `from` and `to` as RFC 3339 or epoch milliseconds, the last hour without them; widened to whole minutes. */
export function range(query: Query): { from: number; to: number } {
  const to = instant('to', query.to) ?? Date.now()
  const from = instant('from', query.from) ?? to - 60 * MINUTE
  if (from >= to) throw new Problem(400, `"from" must be before "to"`)
  return { from: Math.floor(from / MINUTE) * MINUTE, to: Math.ceil(to / MINUTE) * MINUTE }
}

export function instant(name: string, value: string | undefined): number | undefined {
  if (value === undefined || value === '') return undefined
  const ms = /^\d+$/.test(value) ? Number(value) : Date.parse(value)
  if (!Number.isFinite(ms) || ms > 4_294_967_295_000) {
    throw new Problem(
      400,
      `"${name}" is ${JSON.stringify(value)}: write RFC 3339, as 2026-11-21T10:00:00Z, or epoch milliseconds`,
    )
  }
  return ms
}

export function pageSize(query: Query): number {
  const { limit } = query
  if (limit === undefined) return 100
  if (!/^[1-9]\d{0,5}$/.test(limit) || Number(limit) > limits.pageRows) {
    throw new Problem(400, `"limit" is ${JSON.stringify(limit)}: write a number from 1 to ${limits.pageRows}`)
  }
  return Number(limit)
}

/** RFC 3339, as the API gives times. */
export function time(ms: number): string {
  return new Date(ms).toISOString()
}
