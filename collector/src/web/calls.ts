import type { FastifyInstance } from 'fastify'
import type { Row, Store } from '../store/store.ts'
import { Problem } from './problem.ts'
import { instant, pageSize } from './traffic.ts'

type Query = Record<string, string | undefined>

const columns = `formatDateTime(ts, '%Y-%m-%dT%H:%i:%S.%fZ', 'UTC') AS ts, concat(trace_id, '-', span_id) AS id, direction, env,
  service, version, instance, consumer, consumer_source, consumer_verified, plan, style, operation, operation_source,
  method, route, path, peer, peer_port, status, outcome, error_code, duration_us / 1000 AS duration_ms,
  ttfb_us / 1000 AS ttfb_ms, loop_wait_us / 1000 AS loop_wait_ms, request_bytes, response_bytes, units, weight,
  client_address, user_agent, detail, trace_id, span_id, parent_span_id, attributes`

/** Filters of equal text by parameter. */
const texts = [
  'direction',
  'env',
  'service',
  'operation',
  'consumer',
  'outcome',
  'method',
  'route',
  'peer',
  'detail',
  'trace_id',
] as const

/** Search over single calls, newest first, and one call with its payload and its inner spans. */
export function callRoutes(store: Store): (server: FastifyInstance) => Promise<void> {
  return async (server) => {
    server.get('/api/v1/calls', async (request) => {
      const query = request.query as Query
      const { where, params } = callFilter(query)
      const size = pageSize(query)
      const calls = await store.ask(
        `SELECT ${columns} FROM calls WHERE ${where} ORDER BY calls.ts DESC, trace_id, span_id LIMIT ${size}`,
        params,
      )
      return { calls, next: nextPage(calls, size) }
    })
    server.get('/api/v1/calls/:id', async (request) => {
      const { id } = request.params as { id: string }
      const [, trace_id, span_id] = /^([0-9a-f]{32})-([0-9a-f]{16})$/.exec(id) ?? []
      if (trace_id === undefined)
        throw new Problem(400, `"${id}" is not a call: write its trace id, "-" and its span id`)
      const [call] = await store.ask(
        `SELECT ${columns} FROM calls WHERE trace_id = {trace_id:String} AND span_id = {span_id:String} LIMIT 1`,
        { trace_id, span_id },
      )
      if (call === undefined)
        throw new Problem(404, `there is no call ${id}; calls are kept for as long as retention.calls says`)
      const spans = await store.ask(
        `SELECT formatDateTime(ts, '%Y-%m-%dT%H:%i:%S.%fZ', 'UTC') AS ts, span_id, parent_span_id, name, kind, scope,
           duration_us / 1000 AS duration_ms, failed, message, attributes
         FROM spans WHERE trace_id = {trace_id:String} ORDER BY spans.ts LIMIT 1000`,
        { trace_id },
      )
      return { ...call, payload: await payloadOf(store, call), spans }
    })
  }
}

/**
 * What the call carried, as { detail, redaction, query, request: { headers, body, truncated }, response: … }; null when
 * it did not keep its detail or that is gone by now. `headers` has a list of values for each name.
 */
async function payloadOf(store: Store, { ts, service, operation, trace_id, span_id }: Row): Promise<Row | null> {
  const at = "parseDateTime64BestEffort({ts:String}, 6, 'UTC')"
  const [found] = await store.ask(
    `SELECT detail, redaction, query, request_headers, request_body, request_truncated, response_headers, response_body,
       response_truncated
     FROM payloads
     WHERE toStartOfHour(ts) = toStartOfHour(${at}) AND service = {service:String} AND operation = {operation:String}
       AND ts = ${at} AND trace_id = {trace_id:String} AND span_id = {span_id:String} LIMIT 1`,
    { ts, service, operation, trace_id, span_id },
  )
  if (found === undefined) return null
  const { detail, redaction, query, ...of } = found
  const side = (name: 'request' | 'response') => ({
    headers: of[`${name}_headers`],
    body: of[`${name}_body`],
    truncated: of[`${name}_truncated`],
  })
  return { detail, redaction, query, request: side('request'), response: side('response') }
}

/** The cursor of the page after this one, or null when this is the last. */
export function nextPage(calls: readonly Row[], size: number): string | null {
  const last = calls.length === size ? calls.at(-1) : undefined
  return last === undefined ? null : `${String(last.ts)},${String(last.id)}`
}

/** Conditions on `calls` for the parameters of a search. */
export function callFilter(query: Query): { where: string; params: Row } {
  const conditions = ['1']
  const params: Row = {}
  const add = (condition: string, name: string, value: unknown) => {
    conditions.push(condition)
    params[name] = value
  }
  for (const name of texts) if (query[name] !== undefined) add(`${name} = {${name}:String}`, name, query[name])
  if (query.status !== undefined) {
    if (!/^\d{3}$/.test(query.status))
      throw new Problem(400, `"status" is ${JSON.stringify(query.status)}: write three digits`)
    add('status = {status:UInt16}', 'status', Number(query.status))
  }
  if (query.min_duration_ms !== undefined) {
    const ms = Number(query.min_duration_ms)
    if (!(ms >= 0))
      throw new Problem(
        400,
        `"min_duration_ms" is ${JSON.stringify(query.min_duration_ms)}: write a number of milliseconds`,
      )
    add('duration_us >= {slow:UInt64}', 'slow', Math.floor(ms * 1000))
  }
  const from = instant('from', query.from)
  const to = instant('to', query.to)
  if (from !== undefined) add('calls.ts >= fromUnixTimestamp64Milli({from:Int64})', 'from', from)
  if (to !== undefined) add('calls.ts < fromUnixTimestamp64Milli({to:Int64})', 'to', to)
  if (query.cursor !== undefined) {
    const [, ts, trace, span] = /^([0-9T:.-]+Z),([0-9a-f]{32})-([0-9a-f]{16})$/.exec(query.cursor) ?? []
    if (ts === undefined) throw new Problem(400, '"cursor" must be the "next" of an earlier answer')
    const at = "parseDateTime64BestEffort({at:String}, 6, 'UTC')"
    conditions.push(
      `(calls.ts < ${at} OR (calls.ts = ${at} AND (trace_id, span_id) > ({after_trace:String}, {after_span:String})))`,
    )
    Object.assign(params, { at: ts, after_trace: trace, after_span: span })
  }
  return { where: conditions.join(' AND '), params }
}
