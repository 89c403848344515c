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
 * reports. `stored` and `missing` are null when the first start is older than what is kept of calls.
 *
 * Reports from before agents told when they started count as one start, and not beside others.
 */
function agents(store: Store): Promise<Row[]> {
  return store.ask(`
    WITH starts AS (
      SELECT service, instance, agent_reports.started_at AS start, min(ts) AS first, max(ts) AS reported,
        argMax(env, ts) AS env, argMax(version, ts) AS version,
        argMax((seen, sent, dropped, spans_dropped, payloads_kept, payloads_dropped, faults, work_us), ts) AS sums,
        argMax((queue_bytes, queue_calls, open_calls, disabled), ts) AS gauges
      FROM agent_reports WHERE ts >= ${horizon} GROUP BY service, instance, start
    ),
    known AS (SELECT *, max(start) OVER (PARTITION BY service, instance) AS newest FROM starts),
    summed AS (
      SELECT service, instance, argMax(env, reported) AS env, argMax(version, reported) AS version,
        count() AS started, argMax(if(toUnixTimestamp(start) = 0, first, start), reported) AS newest_start,
        min(if(toUnixTimestamp(start) = 0, first, start)) AS first_start, max(reported) AS newest_report,
        sum(sums.1) AS seen, sum(sums.2) AS sent, sumMap(sums.3) AS dropped, sum(sums.4) AS spans_dropped,
        sum(sums.5) AS payloads_kept, sumMap(sums.6) AS payloads_dropped, sumMap(sums.7) AS faults,
        sum(sums.8) AS work_us, argMax(gauges, reported) AS gauges,
        argMax(greatest(toInt64(sums.1) - toInt64(sums.2) - toInt64(arraySum(mapValues(sums.3))), 0), reported) AS in_flight
      FROM known WHERE start = newest OR toUnixTimestamp(start) > 0 GROUP BY service, instance
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
      gauges.1 AS queue_bytes, gauges.2 AS queue_calls, gauges.3 AS open_calls, faults, gauges.4 AS disabled
    FROM summed LEFT JOIN counted USING (service, instance)
    ORDER BY newest_report DESC, service, instance LIMIT ${limits.pageRows}`)
}
