import type { FastifyInstance } from 'fastify'
import { limits } from '../limits.ts'
import type { Row, Store } from '../store/store.ts'

/** What each agent says of itself, beside what is stored of its calls. */
export function agentRoutes(store: Store): (server: FastifyInstance) => Promise<void> {
  return async (server) => {
    server.get('/api/v1/agents', async () => ({ agents: await agents(store) }))
  }
}

const rfc3339 = (column: string) => `formatDateTime(${column}, '%Y-%m-%dT%H:%i:%S.%fZ', 'UTC')`

/** Calls older than this are being dropped, so that none of them can be counted any more. See sql/0001_calls.sql. */
const horizon = "(toStartOfDay(now('UTC')) - INTERVAL 29 DAY)"

/**
 * The account of each instance, the newest report first: seen = stored + dropped + in flight.
 *
 * An instance may have started more than once: its counters begin at nothing each time, so the newest report of each
 * start is added up. `in_flight` is of the running one; `missing` is what is nowhere: seen, but neither stored, dropped
 * nor in flight, as when a process was killed with calls in its queue. It is a lower bound, for calls arrive between two
 * reports, which are in `stored` already. `stored` and `missing` are null when the first start is older than what is kept
 * of calls.
 *
 * Reports from before agents told when they started count as one start, and not beside others.
 */
function agents(store: Store): Promise<Row[]> {
  return store.ask(`
    WITH starts AS (
      SELECT env, service, instance, version, started_at AS start, min(first_at) AS first, max(last_at) AS reported,
        max(r.seen) AS seen, max(r.sent) AS sent, maxMap(r.dropped) AS dropped, max(r.spans_dropped) AS spans_dropped,
        max(r.payloads_kept) AS payloads_kept, maxMap(r.payloads_dropped) AS payloads_dropped,
        maxMap(r.faults) AS faults, max(r.work_us) AS work_us
      FROM agent_reports_15m AS r WHERE quarter >= ${horizon} GROUP BY env, service, instance, version, start
    ),
    known AS (SELECT *, max(start) OVER (PARTITION BY service, instance) AS newest FROM starts),
    summed AS (
      SELECT service, instance, argMax(k.env, reported) AS env, argMax(k.version, reported) AS version,
        count() AS started, argMax(if(toUnixTimestamp(start) = 0, first, start), reported) AS newest_start,
        min(if(toUnixTimestamp(start) = 0, first, start)) AS first_start, max(reported) AS newest_report,
        sum(k.seen) AS seen, sum(k.sent) AS sent, sumMap(k.dropped) AS dropped, sum(k.spans_dropped) AS spans_dropped,
        sum(k.payloads_kept) AS payloads_kept, sumMap(k.payloads_dropped) AS payloads_dropped,
        sumMap(k.faults) AS faults, sum(k.work_us) AS work_us,
        argMax(greatest(toInt64(k.seen) - toInt64(k.sent) - toInt64(arraySum(mapValues(k.dropped))), 0), reported)
          AS in_flight
      FROM known AS k WHERE start = newest OR toUnixTimestamp(start) > 0 GROUP BY service, instance
    ),
    gauges AS (
      SELECT service, instance, argMax((queue_bytes, queue_calls, open_calls, disabled), ts) AS now
      FROM agent_reports WHERE (service, instance, ts) IN (SELECT service, instance, newest_report FROM summed)
      GROUP BY service, instance
    ),
    counted AS (
      SELECT service, instance, sum(calls) AS n FROM instance_calls WHERE day >= ${horizon} GROUP BY service, instance
    )
    SELECT service, instance, env, version, started AS starts,
      ${rfc3339('newest_start')} AS started_at, ${rfc3339('newest_report')} AS reported_at,
      seen, sent, if(first_start < ${horizon}, NULL, n) AS stored, dropped, in_flight,
      if(stored IS NULL, NULL,
        greatest(toInt64(seen) - toInt64(stored) - toInt64(arraySum(mapValues(dropped))) - in_flight, 0)) AS missing,
      spans_dropped, payloads_kept, payloads_dropped, work_us,
      if(seen = 0, NULL, work_us / seen) AS work_us_per_call,
      now.1 AS queue_bytes, now.2 AS queue_calls, now.3 AS open_calls, faults, now.4 AS disabled
    FROM summed LEFT JOIN counted USING (service, instance) LEFT JOIN gauges USING (service, instance)
    ORDER BY newest_report DESC, service, instance LIMIT ${limits.pageRows}`)
}
