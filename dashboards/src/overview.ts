import {
  board,
  colouredText,
  column,
  decimals,
  fixed,
  gauge,
  link,
  stat,
  table,
  thresholds,
  timeSeries,
  unit,
} from './board.ts'
import type { Mapping } from './grafana.ts'
import { limits } from './limits.ts'
import {
  calls,
  chosenServices,
  consumerName,
  everyBucket,
  failedShare,
  failedSteps,
  knownConsumers,
  latencySteps,
  measured,
  percentile,
  quotaSteps,
  quotas,
  service,
  sql,
  step,
} from './source.ts'

const budgetSteps = ['red', [0, 'yellow'], [0.25, 'green']] as const

const alertStates: Mapping = {
  type: 'value',
  options: {
    firing: { text: 'firing', color: 'red', index: 0 },
    error: { text: 'cannot be judged', color: 'red', index: 1 },
    nodata: { text: 'no data', color: 'red', index: 2 },
    recovering: { text: 'recovering', color: 'orange', index: 3 },
    pending: { text: 'pending', color: 'yellow', index: 4 },
    resolved: { text: 'resolved', color: 'green', index: 5 },
  },
}

/** The newest row of each objective; the judge adds one each time it judges. */
const objectives = sql`
  SELECT objective, consumer, argMax((target, attainment, budget_left, burn_rate_1h), ts) AS state
  FROM objective_states
  WHERE ts <= $__toTime AND ts > $__toTime - INTERVAL ${limits.judgementMinutes} MINUTE
    AND (service = '' OR ${chosenServices()})
  GROUP BY objective, consumer`

/** The newest row of each alert; there is one for each change of its state, so no lower bound. */
const alerts = sql`
  SELECT rule, fingerprint, argMax((state, labels, summary, active_since), ts) AS newest
  FROM alert_events
  WHERE ts <= $__toTime AND (labels['service'] = '' OR ${chosenServices("labels['service']")})
  GROUP BY rule, fingerprint`

/** Is any API unhealthy? */
export const overview = board({
  uid: 'callsight-overview',
  title: 'Overview',
  description: 'Is any API unhealthy: traffic, failures, latency, promises and alerts of the services chosen.',
  variables: [service],
  rows: [
    {
      h: 3,
      panels: [
        stat({
          id: 1,
          w: 4,
          title: 'Requests/s',
          description:
            'Incoming calls per second in the newest complete bucket of the chart. From `calls` (short ranges) or its roll-ups. A sudden drop with fresh data means that callers cannot reach the service or have stopped.',
          unit: 'reqps',
          noValue: 'no calls',
          sparkline: true,
          sql: sql`
            SELECT time, n / ${step} AS "requests/s"
            FROM (
              ${calls({ time: 'buckets', wanted: ['n'] })}
            )
            ORDER BY time ${everyBucket}`,
        }),
        stat({
          id: 2,
          w: 4,
          title: 'Error share now',
          description:
            'Share of calls in the last minute (in ranges from an hour on two minutes, or a chart bucket if longer) that the service failed: server errors and timeouts. Client errors do not count. From `calls` or its roll-ups. Above 1 % look at the operations below, sorted by error share.',
          unit: 'percentunit',
          decimals: 2,
          min: 0,
          noValue: 'no calls',
          thresholds: ['green', [failedSteps[0], 'yellow'], [failedSteps[1], 'red']],
          sparkline: true,
          sql: sql`
            SELECT time, ${failedShare} AS "error share"
            FROM (
              ${calls({ time: 'now', wanted: ['n', 'failed'] })}
            )
            ORDER BY time`,
        }),
        stat({
          id: 3,
          w: 4,
          title: '95 % faster than',
          description:
            'p95 of the duration of calls in the last minute (in ranges from an hour on two minutes, or a chart bucket if longer), at most 2.2 % off. From `calls` or the merged histograms of its roll-ups. When it rises, sort the operations below by p95.',
          unit: 'ms',
          noValue: 'no calls',
          thresholds: ['green', [latencySteps[0], 'yellow'], [latencySteps[1], 'red']],
          sparkline: true,
          sql: sql`
            SELECT time, ${percentile(0.95)} AS p95
            FROM (
              ${calls({ time: 'now', wanted: ['h'] })}
            )
            ORDER BY time`,
        }),
        stat({
          id: 4,
          w: 3,
          title: 'Consumers',
          description:
            'Consumers with at least one call in the time range; calls without a known consumer are left out. From `calls` or its roll-ups. The Consumers board shows who they are.',
          unit: 'locale',
          noValue: '0',
          sql: sql`
            SELECT uniqExact(consumer) AS consumers
            FROM (
              ${calls({ time: 'none', keys: ['consumer'], wanted: ['n'] })}
            )
            WHERE consumer != ''`,
        }),
        stat({
          id: 5,
          w: 3,
          title: 'Worst budget',
          description:
            'The smallest error budget left of all objectives: 100 % is untouched, 0 % spent, below 0 the promise is broken. From `objective_states`. The objectives below say which one it is.',
          unit: 'percentunit',
          decimals: 0,
          noValue: 'no objective',
          thresholds: [...budgetSteps],
          sql: sql`
            SELECT min(state.3) AS "budget left"
            FROM (
              ${objectives}
            )`,
        }),
        stat({
          id: 6,
          w: 3,
          title: 'Alerts firing',
          description:
            'Alerts whose newest state is firing, recovering, without data or not to be judged. From `alert_events`. The alerts below say which, and since when.',
          unit: 'locale',
          noValue: '0',
          thresholds: ['green', [1, 'red']],
          sql: sql`
            SELECT countIf(newest.1 IN ('firing', 'recovering', 'nodata', 'error')) AS firing
            FROM (
              ${alerts}
            )`,
        }),
        stat({
          id: 7,
          w: 3,
          title: 'Newest call',
          description:
            'Time since the newest call of any service, whatever is chosen above. From `calls`. While this is small an empty chart means no traffic; when it grows, no data arrives: the Agents board says what waits where.',
          unit: 's',
          decimals: 0,
          noValue: 'no call yet',
          thresholds: ['green', [120, 'yellow'], [600, 'red']],
          // Without a condition the engine answers from the partitions' bounds and reads no row.
          sql: sql`
            SELECT if(count() = 0, NULL, greatest(dateDiff('second', max(ts), now()), 0)) AS age
            FROM calls`,
        }),
      ],
    },
    {
      h: 8,
      panels: [
        timeSeries({
          id: 8,
          w: 8,
          title: 'Requests by outcome',
          description:
            'Incoming calls per second by outcome, stacked: ok, client error (the caller is at fault), server error and timeout (the service is), aborted (the caller went away). From `calls` or its roll-ups.',
          unit: 'reqps',
          noValue: 'No calls in this time range',
          drawing: { stacking: { mode: 'normal', group: 'A' }, fillOpacity: 45, lineWidth: 1, showPoints: 'never' },
          legend: [],
          overrides: [
            column('ok', fixed('green')),
            column('client error', fixed('yellow')),
            column('server error', fixed('red')),
            column('timeout', fixed('purple')),
            column('aborted', fixed('text')),
          ],
          sql: sql`
            SELECT
              time,
              sumIf(n, outcome = 'ok') / ${step} AS "ok",
              sumIf(n, outcome = 'client_error') / ${step} AS "client error",
              sumIf(n, outcome = 'server_error') / ${step} AS "server error",
              sumIf(n, outcome = 'timeout') / ${step} AS "timeout",
              sumIf(n, outcome = 'aborted') / ${step} AS "aborted"
            FROM (
              ${calls({ time: 'buckets', keys: ['outcome'], wanted: ['n'] })}
            )
            GROUP BY time
            ORDER BY time ${everyBucket}`,
        }),
        timeSeries({
          id: 9,
          w: 8,
          title: 'Error share',
          description:
            'Share of calls that the service failed (server errors and timeouts), by bucket; no line where there were no calls. Dashed: 1 % and 5 %. From `calls` or its roll-ups.',
          unit: 'percentunit',
          min: 0,
          noValue: 'No calls in this time range',
          thresholds: ['transparent', [failedSteps[0], 'yellow'], [failedSteps[1], 'red']],
          lines: true,
          drawing: { axisSoftMax: 0.06, fillOpacity: 12 },
          legend: ['lastNotNull', 'max'],
          overrides: [column('error share', fixed('red'))],
          sql: sql`
            SELECT time, ${failedShare} AS "error share"
            FROM (
              ${calls({ time: 'buckets', wanted: ['n', 'failed'] })}
            )
            ORDER BY time ${everyBucket}`,
        }),
        timeSeries({
          id: 10,
          w: 8,
          title: 'Latency',
          description:
            'Half of the calls are faster than p50, 95 % than p95, 99 % than p99; aborted calls are included. From `calls` or the merged histograms of its roll-ups, at most 2.2 % off. p99 far above p95: a few slow calls; all three rising: the whole service.',
          unit: 'ms',
          noValue: 'No calls in this time range',
          drawing: { fillOpacity: 0 },
          overrides: [column('p50', fixed('green')), column('p95', fixed('blue')), column('p99', fixed('orange'))],
          sql: sql`
            SELECT
              time,
              ${percentile(0.5)} AS p50,
              ${percentile(0.95)} AS p95,
              ${percentile(0.99)} AS p99
            FROM (
              ${calls({ time: 'buckets', wanted: ['h'] })}
            )
            ORDER BY time ${everyBucket}`,
        }),
      ],
    },
    {
      h: 7,
      panels: [
        table({
          id: 11,
          w: 12,
          title: 'Objectives',
          description:
            'Every promise with its newest judgement: attainment is the share of good calls in the window, budget left what may still fail (below 0: broken), burn rate how fast the last hour spends it (1× lasts exactly the window, 14.4× spends a 30-day budget in two days). From `objective_states`, at most 15 minutes old.',
          unit: 'none',
          noValue: 'No objectives: promise something under `objectives` in callsight.yaml',
          sortBy: [{ displayName: 'budget left', desc: false }],
          overrides: [
            column('target', unit('percentunit')),
            column('attainment', unit('percentunit'), decimals(2)),
            column('budget left', unit('percentunit'), decimals(0), thresholds(...budgetSteps), ...gauge),
            column(
              'burn rate',
              unit('suffix:×'),
              decimals(1),
              thresholds('text', [1, 'yellow'], [14.4, 'red']),
              colouredText,
            ),
          ],
          sql: sql`
            SELECT
              objective,
              if(consumer = '', 'all', ${consumerName}) AS "for",
              state.1 AS target,
              state.2 AS attainment,
              state.3 AS "budget left",
              state.4 AS "burn rate"
            FROM (
              ${objectives}
            ) AS judged
            ${knownConsumers}
            ORDER BY "budget left"
            LIMIT ${limits.tableRows}`,
        }),
        table({
          id: 12,
          w: 12,
          title: 'Alerts',
          description:
            'Alerts that are firing, recovering or pending, and those resolved within the last day, by their newest state. Where names the service, operation or consumer of the alert, measured is what the rule saw then. From `alert_events`. Rules are listed by `callsight alert list`.',
          unit: 'none',
          noValue: 'No alert is firing, pending or was resolved in the last day',
          overrides: [
            column('state', { id: 'mappings', value: [alertStates] }, colouredText),
            column('since', unit('dateTimeFromNow')),
          ],
          sql: sql`
            SELECT
              newest.1 AS state,
              rule,
              arrayStringConcat(mapValues(newest.2), ' · ') AS "where",
              splitByString(', ', substring(newest.3, position(newest.3, ': ') + 2))[1] AS measured,
              newest.4 AS since
            FROM (
              ${alerts}
                HAVING newest.1 IN ('firing', 'recovering', 'nodata', 'error', 'pending')
                  OR (newest.1 = 'resolved' AND max(ts) > $__toTime - INTERVAL 1 DAY)
            )
            ORDER BY state IN ('firing', 'nodata', 'error') DESC, state = 'recovering' DESC, state = 'pending' DESC, since DESC
            LIMIT ${limits.tableRows}`,
        }),
      ],
    },
    {
      h: 7,
      panels: [
        table({
          id: 14,
          w: 24,
          title: 'Busiest consumers',
          description:
            'The consumers with most incoming calls in the range, what the service failed them, and of the quota they have used most of: its name and the share used. From `calls` or its roll-ups and `quota_states`. The Consumers board shows more of each.',
          unit: 'none',
          noValue: 'No calls in this time range',
          sortBy: [{ displayName: 'calls', desc: true }],
          overrides: [
            column('quota used', unit('percentunit'), decimals(0), thresholds(...quotaSteps), ...gauge),
            ...measured,
          ],
          sql: sql`
            SELECT
              ${consumerName} AS consumer,
              if(known_plan = '', plan_seen, known_plan) AS plan,
              n AS calls,
              ${failedShare} AS "error share",
              ${percentile(0.95)} AS p95,
              used.tightest AS quota,
              used.share AS "quota used",
              last AS "last call"
            FROM (
              ${calls({ time: 'none', keys: ['consumer'], wanted: ['n', 'failed', 'h', 'last', 'plan_seen'] })}
            ) AS called
            ${knownConsumers}
            LEFT JOIN (
              SELECT consumer, argMax(quota, state.3) AS tightest, toNullable(max(state.3)) AS share
              FROM (
                ${quotas}
              )
              GROUP BY consumer
            ) AS used USING (consumer)
            ORDER BY calls DESC
            LIMIT ${limits.rankRows}`,
        }),
      ],
    },
    {
      h: 8,
      panels: [
        table({
          id: 13,
          w: 24,
          title: 'Operations',
          description:
            'Every operation with incoming calls in the range: calls per second over the whole range, all calls, share failed by the service (server errors and timeouts), percentiles at most 2.2 % off, and the newest call (in long ranges: the minute or quarter of an hour of it). From `calls` or its roll-ups. A service opens its consumers.',
          unit: 'none',
          noValue: 'No calls in this time range',
          sortBy: [{ displayName: 'calls', desc: true }],
          overrides: [
            column(
              'service',
              link(
                'Consumers of this service',
                `/d/callsight-consumers?var-service=\${__value.raw:percentencode}&\${__url_time_range}`,
              ),
            ),
            column('requests/s', unit('reqps')),
            column('p50', unit('ms')),
            column('p99', unit('ms')),
            ...measured,
          ],
          sql: sql`
            SELECT
              service,
              operation,
              n / greatest(dateDiff('second', $__fromTime, $__toTime), 1) AS "requests/s",
              n AS calls,
              ${failedShare} AS "error share",
              ${percentile(0.5)} AS p50,
              ${percentile(0.95)} AS p95,
              ${percentile(0.99)} AS p99,
              last AS "last call"
            FROM (
              ${calls({ time: 'none', keys: ['service', 'operation'], wanted: ['n', 'failed', 'h', 'last'] })}
            )
            ORDER BY calls DESC
            LIMIT ${limits.tableRows}`,
        }),
      ],
    },
  ],
})
