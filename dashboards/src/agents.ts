import {
  barGauge,
  board,
  colouredText,
  column,
  decimals,
  fixed,
  link,
  queryVariable,
  series,
  stat,
  table,
  thresholds,
  timeSeries,
  unit,
} from './board.ts'
import type { Mapping } from './grafana.ts'
import { limits } from './limits.ts'
import { chosenServices, endOfBuckets, firstBucket, sql, step } from './source.ts'

/** Of the share of calls that is lost: none, some, too many to trust a number. */
const lostSteps = ['green', [0.000001, 'yellow'], [0.001, 'red']] as const
/** Of the agent's own CPU: light, worth a look, heavy. In microseconds a call. */
const workSteps = [100, 250] as const

const horizon = `(toStartOfDay(now()) - INTERVAL ${limits.accountDays} DAY)`
const buckets = `time >= ${firstBucket} AND time < ${endOfBuckets}`
const lostOf = (counts: string) => `toInt64(arraySum(mapValues(${counts})))`

/** How far back the report before the first is looked for. */
const begin = `$__fromTime - INTERVAL ${limits.reportMinutes} MINUTE`
/**
 * What agents told, as counted since their start: each report while buckets are narrow, one for each quarter of an hour
 * when they are wide. `told` is the moment of the report, `ts` what it is put into a bucket by.
 */
const reports = sql`
  SELECT
    ts, ts AS told, service, instance, version, started_at, seen, sent, CAST(dropped, 'Map(String, UInt64)') AS dropped,
    payloads_kept, CAST(payloads_dropped, 'Map(String, UInt64)') AS payloads_dropped, work_us, queue_bytes, open_calls,
    CAST(faults, 'Map(String, UInt64)') AS faults, CAST(disabled, 'Array(String)') AS disabled
  FROM agent_reports
  WHERE ${step} < ${limits.quarterSeconds} AND ts > ${begin} AND ts <= $__toTime AND ${chosenServices()}
  UNION ALL
  SELECT
    quarter AS ts, max(last_at) AS told, service, instance, version, started_at, max(r.seen) AS seen,
    max(r.sent) AS sent, maxMap(r.dropped) AS dropped, max(r.payloads_kept) AS payloads_kept,
    maxMap(r.payloads_dropped) AS payloads_dropped, max(r.work_us) AS work_us, max(r.queue_bytes) AS queue_bytes,
    max(r.open_calls) AS open_calls, maxMap(r.faults) AS faults, groupUniqArrayArray(r.disabled) AS disabled
  FROM agent_reports_15m AS r
  WHERE ${step} >= ${limits.quarterSeconds} AND quarter > ${begin} AND quarter <= $__toTime AND ${chosenServices()}
  GROUP BY quarter, service, instance, version, started_at`

/**
 * By how much counters grew since the report before of the same start. The first report of a start grew from nothing,
 * unless the start is older than what is looked at: then its growth is not known, and is left out.
 */
const growth = sql`
  SELECT
    ts, service, dropped, before.2 AS dropped_before, payloads_dropped, before.4 AS payloads_dropped_before,
    greatest(toInt64(seen) - toInt64(before.1), 0) AS seen_more,
    greatest(toInt64(payloads_kept) - toInt64(before.3), 0) AS kept_more,
    greatest(toInt64(work_us) - toInt64(before.5), 0) AS work_more,
    greatest(${lostOf('dropped')} - ${lostOf('before.2')}, 0) AS lost_more
  FROM (
    SELECT
      *,
      row_number() OVER of_start AS nth,
      lagInFrame((seen, dropped, payloads_kept, payloads_dropped, work_us)) OVER of_start AS before
    FROM (
      ${reports}
    )
    WINDOW of_start AS (PARTITION BY service, instance, started_at ORDER BY ts ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
  )
  WHERE ts > $__fromTime AND (nth > 1 OR started_at > ${begin})`

/** What each instance told last. */
const newest = sql`
  SELECT
    service,
    instance,
    max(told) AS reported,
    argMax(version, told) AS newest_version,
    argMax((faults, disabled), told) AS trouble,
    argMax(greatest(toInt64(seen) - toInt64(sent) - ${lostOf('dropped')}, 0), told) AS under_way
  FROM (
    ${reports}
  )
  WHERE told >= $__fromTime
  GROUP BY service, instance`

/** The services with most calls in the range: those with a line of their own. */
const busiest = sql`
  SELECT service
  FROM (
    SELECT service, max(seen) - min(seen) AS more
    FROM (
      ${reports}
    )
    GROUP BY service, instance, started_at
  )
  GROUP BY service
  ORDER BY sum(more) DESC, service
  LIMIT ${limits.topServices}`

/** A gauge by service over time: what its instances had together, each at its highest in the bucket. */
const gaugeOf = (name: string) => sql`
  SELECT time, service, sum(highest) AS ${name}
  FROM (
    SELECT $__timeInterval(ts) AS time, service, instance, max(gauge) AS highest
    FROM (
      SELECT ts, service, instance, ${name} AS gauge
      FROM (
        ${reports}
      )
    )
    GROUP BY time, service, instance
  )
  WHERE ${buckets} AND service IN (
    ${busiest}
  )
  GROUP BY time, service
  ORDER BY time, service`

/** The account of each start of an instance that reported in the range: within one start, the largest is the newest. */
const starts = sql`
  SELECT
    service, instance, version, started_at AS start, min(first_at) AS first, max(last_at) AS reported,
    max(r.seen) AS seen_calls, max(r.sent) AS sent_calls, maxMap(r.dropped) AS dropped_calls, max(r.work_us) AS work
  FROM agent_reports_15m AS r
  WHERE quarter >= ${horizon} AND (service, instance) IN (
    SELECT service, instance
    FROM agent_reports_15m
    WHERE last_at >= $__fromTime AND first_at <= $__toTime AND ${chosenServices()}
  )
  GROUP BY service, instance, version, start`

/** … and of each instance: all of its starts together. Reports that tell no start are left out beside others. */
const accounts = sql`
  SELECT
    service,
    instance,
    max(reported) AS newest_report,
    argMax(started.version, reported) AS version,
    min(if(toUnixTimestamp(start) = 0, first, start)) AS first_start,
    sum(seen_calls) AS all_seen,
    sumMap(dropped_calls) AS reasons,
    sum(work) AS all_work,
    argMax(greatest(toInt64(seen_calls) - toInt64(sent_calls) - ${lostOf('dropped_calls')}, 0), reported) AS under_way
  FROM (
    SELECT *, max(start) OVER (PARTITION BY service, instance) AS last_start
    FROM (
      ${starts}
    )
  ) AS started
  WHERE start = last_start OR toUnixTimestamp(start) > 0
  GROUP BY service, instance`

const featureStates: Mapping = {
  type: 'value',
  options: {
    'switched off': { text: 'switched off', color: 'red', index: 0 },
    'still on': { text: 'still on', color: 'yellow', index: 1 },
  },
}

/** A chart's line is named by its label alone. */
const named = (label: string) => `\${__field.labels.${label}}`

const bars = {
  drawStyle: 'bars',
  stacking: { mode: 'normal', group: 'A' },
  fillOpacity: 80,
  lineWidth: 0,
} as const

/** Is every call accounted for, and what do the agents cost their hosts? */
export const agents = board({
  uid: 'callsight-agents',
  title: 'Agents',
  description: 'Is every call accounted for, and what do the agents cost the services chosen?',
  variables: [
    queryVariable(
      'service',
      'Service',
      'Services whose agents reported in the time range.',
      sql`
        SELECT DISTINCT service
        FROM agent_reports_15m
        WHERE last_at >= $__fromTime AND first_at <= $__toTime
        ORDER BY service
        LIMIT ${limits.services}`,
    ),
  ],
  rows: [
    {
      h: 3,
      panels: [
        stat({
          id: 1,
          w: 4,
          points: limits.reportPoints,
          title: 'Agents reporting',
          description:
            'Instances (processes and worker threads) whose agent reported in the range. An agent reports every ten seconds while it has something to tell. From `agent_reports`. Fewer than you run: look there for the agent’s log, and for OTEL_EXPORTER_OTLP_ENDPOINT.',
          unit: 'locale',
          noValue: '0',
          sql: sql`
            SELECT count() AS agents
            FROM (
              ${newest}
            )`,
        }),
        stat({
          id: 2,
          w: 4,
          points: limits.reportPoints,
          title: 'Calls lost',
          description:
            'Share of the calls seen in the range that their agents dropped, for any reason. While it is 0 every count here is exact. From `agent_reports`. Above 0 the chart of reasons says why, and the table which instance.',
          unit: 'percentunit',
          decimals: 2,
          noValue: 'no calls',
          thresholds: [...lostSteps],
          sql: sql`
            SELECT if(sum(seen_more) = 0, NULL, sum(lost_more) / sum(seen_more)) AS share
            FROM (
              ${growth}
            )`,
        }),
        stat({
          id: 3,
          w: 4,
          points: limits.reportPoints,
          title: 'Calls on their way',
          description: `Calls seen by agents that are neither acknowledged by a collector nor dropped, at their newest report, of agents that reported in the last ${limits.reportSeconds} s of the range. From \`agent_reports\`. When it grows, the collector is slow or cannot be reached: look at its log and at /readyz.`,
          unit: 'locale',
          noValue: '0',
          sql: sql`
            SELECT sum(under_way) AS calls
            FROM (
              ${newest}
            )
            WHERE reported > $__toTime - ${limits.reportSeconds}`,
        }),
        stat({
          id: 4,
          w: 4,
          points: limits.reportPoints,
          title: 'Agent CPU per call',
          description:
            'CPU time that agents spent on the thread of their host, per call seen in the range; compression on other threads is not in it. From `agent_reports`. Where it is high, keep fewer bodies (CALLSIGHT_BODY_SAMPLE) or shorter ones (CALLSIGHT_BODY_LIMIT).',
          unit: 'µs',
          noValue: 'not told',
          thresholds: ['green', [workSteps[0], 'yellow'], [workSteps[1], 'red']],
          sql: sql`
            SELECT if(sum(seen_more) = 0 OR sum(work_more) = 0, NULL, sum(work_more) / sum(seen_more)) AS work
            FROM (
              ${growth}
            )`,
        }),
        stat({
          id: 5,
          w: 4,
          points: limits.reportPoints,
          title: 'Calls with their detail',
          description:
            'Share of the calls seen in the range that kept headers and bodies: failed, slow and new ones, and a share of the rest. From `agent_reports`. CALLSIGHT_CAPTURE_BODIES and CALLSIGHT_BODY_SAMPLE set how many; details dropped on the way are in the chart below.',
          unit: 'percentunit',
          decimals: 1,
          noValue: 'no calls',
          sql: sql`
            SELECT if(sum(seen_more) = 0, NULL, sum(kept_more) / sum(seen_more)) AS share
            FROM (
              ${growth}
            )`,
        }),
        stat({
          id: 6,
          w: 4,
          points: limits.reportPoints,
          title: 'Agents with a fault',
          description:
            'Instances whose agent had a fault inside itself since it started, or has switched a feature off because of several. The host is not touched by it. From `agent_reports`. The last table says which feature: please report it, with the agent’s log.',
          unit: 'locale',
          noValue: '0',
          thresholds: ['green', [1, 'red']],
          sql: sql`
            SELECT countIf(notEmpty(trouble.1) OR notEmpty(trouble.2)) AS agents
            FROM (
              ${newest}
            )`,
        }),
      ],
    },
    {
      h: 8,
      panels: [
        table({
          id: 7,
          w: 24,
          points: limits.reportPoints,
          title: 'Is every call accounted for?',
          description:
            'The account of each instance that reported in the range, over all its starts of the last 30 days, as of its newest report: seen = stored + lost + on their way. Missing are calls that are nowhere, as after a kill -9 with calls in the queue. From `agent_reports`, stored from `calls` by day; – where the first start is older than the calls kept.',
          unit: 'none',
          noValue: 'No agent reported in this time range',
          sortBy: [{ displayName: 'share lost', desc: true }],
          overrides: [
            column(
              'service',
              link(
                'Overview of this service',
                `/d/callsight-overview?var-service=\${__value.raw:percentencode}&\${__url_time_range}`,
              ),
            ),
            column('seen', unit('locale')),
            column('stored', unit('locale')),
            column('on their way', unit('locale')),
            column(
              'share lost',
              unit('percentunit'),
              decimals(3),
              thresholds('text', lostSteps[1], lostSteps[2]),
              colouredText,
            ),
            column(
              'CPU per call',
              unit('µs'),
              thresholds('text', [workSteps[0], 'yellow'], [workSteps[1], 'red']),
              colouredText,
            ),
            column('last report', unit('dateTimeFromNow')),
          ],
          sql: sql`
            WITH
              toInt64(all_seen) - ${lostOf('reasons')} - under_way AS delivered,
              if(first_start < ${horizon}, NULL, least(stored_calls, delivered)) AS known,
              ifNull(delivered - known, 0) AS unaccounted,
              arrayConcat(arrayZip(mapKeys(reasons), mapValues(reasons)), [('missing', toUInt64(greatest(unaccounted, 0)))]) AS parts,
              arrayReverseSort(part -> part.2, arrayFilter(part -> part.2 > 0, parts)) AS lost_parts
            SELECT
              service,
              instance,
              version,
              all_seen AS seen,
              known AS stored,
              under_way AS "on their way",
              arrayStringConcat(arrayMap(part -> concat(part.1, ' ', toString(part.2)), lost_parts), ', ') AS "lost, by reason",
              if(all_seen = 0, NULL, arraySum(part -> part.2, lost_parts) / all_seen) AS "share lost",
              if(all_seen = 0 OR all_work = 0, NULL, all_work / all_seen) AS "CPU per call",
              toDateTime(newest_report) AS "last report"
            FROM (
              ${accounts}
            ) AS account
            LEFT JOIN (
              SELECT service, instance, toInt64(sum(calls)) AS stored_calls
              FROM instance_calls
              WHERE day >= ${horizon}
              GROUP BY service, instance
            ) AS counted USING (service, instance)
            ORDER BY "share lost" DESC, seen DESC, instance
            LIMIT ${limits.tableRows}`,
        }),
      ],
    },
    {
      h: 8,
      panels: [
        timeSeries({
          id: 8,
          w: 8,
          points: limits.reportPoints,
          title: 'Calls lost, by reason',
          description:
            'Calls that agents dropped in each bucket: queue_full and unreachable (the collector was away for too long), refused and too_large (it did not take them, its log says why), error (a fault inside the agent). From `agent_reports`.',
          unit: 'locale',
          noValue: 'No call was reported lost in this time range',
          displayName: named('reason'),
          color: { mode: 'palette-classic-by-name' },
          drawing: bars,
          legend: [],
          sql: sql`
            SELECT time, reason, calls
            FROM (
              SELECT time, reason, sum(n) AS calls, sum(sum(n)) OVER (PARTITION BY reason) AS of_reason
              FROM (
                SELECT $__timeInterval(ts) AS time, reason, toInt64(dropped[reason]) - toInt64(dropped_before[reason]) AS n
                FROM (
                  ${growth}
                )
                ARRAY JOIN mapKeys(dropped) AS reason
              )
              WHERE ${buckets}
              GROUP BY time, reason
            )
            WHERE of_reason > 0
            ORDER BY time, reason`,
        }),
        timeSeries({
          id: 9,
          w: 8,
          points: limits.reportPoints,
          title: 'Details kept and dropped',
          description:
            'Calls whose headers and bodies were kept in each bucket, and details that were given up, by reason: details go first when memory or the collector is short, and the call itself is still counted. From `agent_reports`. Many dropped: keep fewer or shorter bodies.',
          unit: 'locale',
          noValue: 'No details were kept in this time range',
          displayName: named('what'),
          color: { mode: 'palette-classic-by-name' },
          drawing: bars,
          legend: [],
          overrides: [series('kept', fixed('blue'))],
          sql: sql`
            SELECT time, what, calls
            FROM (
              SELECT time, what, sum(n) AS calls, sum(sum(n)) OVER (PARTITION BY what) AS of_what
              FROM (
                SELECT
                  $__timeInterval(ts) AS time,
                  if(reason = '', 'kept', concat('dropped: ', reason)) AS what,
                  if(reason = '', kept_more, toInt64(payloads_dropped[reason]) - toInt64(payloads_dropped_before[reason])) AS n
                FROM (
                  ${growth}
                )
                ARRAY JOIN arrayConcat([''], mapKeys(payloads_dropped)) AS reason
              )
              WHERE ${buckets}
              GROUP BY time, what
            )
            WHERE of_what > 0
            ORDER BY time, what = 'kept' DESC, what`,
        }),
        timeSeries({
          id: 10,
          w: 8,
          points: limits.reportPoints,
          title: 'Agent CPU per call, by service',
          description: `CPU time of agents on the thread of their host per call, of the ${limits.topServices} services with most calls. From \`agent_reports\`. It rises with the share and the size of bodies kept, and for a moment after each start, while the code is not compiled yet.`,
          unit: 'µs',
          noValue: 'No agent told its CPU time in this range',
          displayName: named('service'),
          color: { mode: 'palette-classic-by-name' },
          drawing: { fillOpacity: 0 },
          sql: sql`
            SELECT time, service, sum(work_more) / sum(seen_more) AS work
            FROM (
              SELECT $__timeInterval(ts) AS time, service, seen_more, work_more
              FROM (
                ${growth}
              )
            )
            WHERE ${buckets} AND service IN (
              ${busiest}
            )
            GROUP BY time, service
            HAVING sum(seen_more) > 0 AND sum(work_more) > 0
            ORDER BY time, service`,
        }),
      ],
    },
    {
      h: 7,
      panels: [
        timeSeries({
          id: 11,
          w: 12,
          points: limits.reportPoints,
          title: 'Waiting for a collector',
          description: `Bytes in the queues of agents, of the ${limits.topServices} services with most calls; a queue is bounded, and beyond it calls are dropped as queue_full. From \`agent_reports\`. A line that climbs: the collector is away or too slow, look at its log and at /readyz.`,
          unit: 'bytes',
          noValue: 'No agent told its queue in this range',
          displayName: named('service'),
          color: { mode: 'palette-classic-by-name' },
          sql: gaugeOf('queue_bytes'),
        }),
        timeSeries({
          id: 12,
          w: 12,
          points: limits.reportPoints,
          title: 'Calls under way',
          description: `Calls that have begun and not ended when the agent reported, of the ${limits.topServices} services with most calls: requests in work, streams and sockets that stay open. From \`agent_reports\`. A line that only climbs, while traffic does not, is a leak of requests in the service.`,
          unit: 'locale',
          noValue: 'No agent told its open calls in this range',
          displayName: named('service'),
          color: { mode: 'palette-classic-by-name' },
          sql: gaugeOf('open_calls'),
        }),
      ],
    },
    {
      h: 7,
      panels: [
        table({
          id: 13,
          w: 16,
          points: limits.reportPoints,
          title: 'What failed inside agents?',
          description:
            'Faults inside the agent by feature since it started, and features it has switched off after several, so that the rest goes on. The host is not touched by either. From `agent_reports`. Please report them with the agent’s log; a restart switches the feature on again.',
          unit: 'none',
          noValue: 'No fault, and nothing is switched off',
          sortBy: [{ displayName: 'faults', desc: true }],
          overrides: [
            column('faults', unit('locale')),
            column('state', { id: 'mappings', value: [featureStates] }, colouredText),
            column('last report', unit('dateTimeFromNow')),
          ],
          sql: sql`
            SELECT
              service,
              instance,
              newest_version AS version,
              feature,
              trouble.1[feature] AS faults,
              if(has(trouble.2, feature), 'switched off', 'still on') AS "state",
              toDateTime(reported) AS "last report"
            FROM (
              ${newest}
            )
            ARRAY JOIN arrayDistinct(arrayConcat(mapKeys(trouble.1), trouble.2)) AS feature
            ORDER BY faults DESC, service, instance, feature
            LIMIT ${limits.tableRows}`,
        }),
        barGauge({
          id: 14,
          w: 8,
          points: limits.reportPoints,
          title: 'Agent versions',
          description:
            'Instances by the version of their agent, at their newest report in the range. From `agent_reports`. Old ones tell less of themselves: where a figure above is missing, this says why.',
          unit: 'locale',
          min: 0,
          noValue: 'No agent reported in this time range',
          thresholds: ['blue'],
          sql: sql`
            SELECT if(newest_version = '', '(unknown)', newest_version) AS version, count() AS agents
            FROM (
              ${newest}
            )
            GROUP BY version
            ORDER BY agents DESC, version
            LIMIT ${limits.rankRows}`,
        }),
      ],
    },
  ],
})
