import {
  barGauge,
  board,
  column,
  decimals,
  fixed,
  gauge,
  series,
  stat,
  table,
  thresholds,
  timeSeries,
  unit,
} from './board.ts'
import { limits } from './limits.ts'
import {
  calls,
  consumerName,
  failedShare,
  failedSteps,
  knownConsumers,
  measured,
  percentile,
  quotaSteps,
  quotas,
  service,
  sql,
  step,
} from './source.ts'

/** The consumers with most calls in the range: those with a line of their own. */
const top = sql`
  SELECT consumer
  FROM (
    ${calls({ time: 'none', keys: ['consumer'], wanted: ['n'] })}
  )
  ORDER BY n DESC, consumer
  LIMIT ${limits.topConsumers}`

/** A chart's line is named by the consumer alone. */
const displayName = `\${__field.labels.shown}`

/** Who calls, and how well is each served? */
export const consumers = board({
  uid: 'callsight-consumers',
  title: 'Consumers',
  description: 'Who calls the services chosen, how much, how well each is served, and what is left of quotas.',
  variables: [service],
  rows: [
    {
      h: 3,
      panels: [
        stat({
          id: 1,
          w: 6,
          title: 'Active consumers',
          description:
            'Consumers with a call in the last minute (in ranges from an hour on two minutes, or a chart bucket if longer). Calls without a known consumer are left out. From `calls` or its roll-ups. A drop means that a consumer went silent: the table below shows its last call.',
          unit: 'locale',
          noValue: '0',
          sparkline: true,
          sql: sql`
            SELECT time, uniqExactIf(consumer, consumer != '') AS consumers
            FROM (
              ${calls({ time: 'now', keys: ['consumer'], wanted: ['n'] })}
            )
            GROUP BY time
            ORDER BY time`,
        }),
        stat({
          id: 2,
          w: 6,
          title: 'Quotas nearly spent',
          description:
            'Quotas of which a consumer has used 90 % or more in the current period. From `quota_states`, at most 15 minutes old. The quota table says whose they are and when they start afresh.',
          unit: 'locale',
          noValue: '0',
          thresholds: ['green', [1, 'yellow']],
          sql: sql`
            SELECT countIf(state.3 >= 0.9) AS quotas
            FROM (
              ${quotas}
            )`,
        }),
        stat({
          id: 3,
          w: 6,
          title: 'Calls of the busiest consumer',
          description:
            'Share of all calls in the range that comes from the one consumer with most of them. From `calls` or its roll-ups. A large share means that this consumer decides how loaded the service is.',
          unit: 'percentunit',
          decimals: 1,
          noValue: 'no calls',
          sql: sql`
            SELECT if(sum(n) = 0, NULL, maxIf(n, consumer != '') / sum(n)) AS share
            FROM (
              ${calls({ time: 'none', keys: ['consumer'], wanted: ['n'] })}
            )`,
        }),
        stat({
          id: 4,
          w: 6,
          title: 'Calls without a consumer',
          description:
            'Share of calls in the range whose consumer is not known. From `calls` or its roll-ups. When it is large, name the header that carries the caller with CALLSIGHT_CONSUMER_HEADER, or call setConsumer().',
          unit: 'percentunit',
          decimals: 1,
          noValue: 'no calls',
          thresholds: ['green', [0.5, 'yellow']],
          sql: sql`
            SELECT if(sum(n) = 0, NULL, sumIf(n, consumer = '') / sum(n)) AS share
            FROM (
              ${calls({ time: 'none', keys: ['consumer'], wanted: ['n'] })}
            )`,
        }),
      ],
    },
    {
      h: 8,
      panels: [
        barGauge({
          id: 5,
          w: 9,
          title: 'Who calls most',
          description:
            'The consumers with most incoming calls in the time range. (unknown) are calls without a consumer: name the header that carries it with CALLSIGHT_CONSUMER_HEADER. From `calls` or its roll-ups.',
          unit: 'locale',
          min: 0,
          noValue: 'No calls in this time range',
          thresholds: ['blue'],
          sql: sql`
            SELECT ${consumerName} AS consumer, n AS calls
            FROM (
              ${calls({ time: 'none', keys: ['consumer'], wanted: ['n'] })}
            ) AS called
            ${knownConsumers}
            ORDER BY calls DESC
            LIMIT ${limits.rankRows}`,
        }),
        table({
          id: 6,
          w: 15,
          title: 'Quota use',
          description:
            'What each consumer has used of each quota in its current period, over all services. At 100 % the allowance is spent: talk to the consumer or move it to a larger plan. From `quota_states`, at most 15 minutes old.',
          unit: 'none',
          noValue: 'No quota in use: set some under `plans` in callsight.yaml',
          sortBy: [{ displayName: 'use', desc: true }],
          overrides: [
            column('used', unit('locale')),
            column('allowed', unit('locale')),
            column('use', unit('percentunit'), decimals(0), thresholds(...quotaSteps), ...gauge),
            column('resets', unit('dateTimeFromNow')),
          ],
          sql: sql`
            SELECT
              ${consumerName} AS consumer,
              quota,
              state.1 AS used,
              state.2 AS allowed,
              state.3 AS use,
              state.4 AS resets
            FROM (
              ${quotas}
            ) AS judged
            ${knownConsumers}
            ORDER BY use DESC
            LIMIT ${limits.tableRows}`,
        }),
      ],
    },
    {
      h: 8,
      panels: [
        table({
          id: 7,
          w: 24,
          title: 'Consumers',
          description:
            'Every consumer with incoming calls in the range: plan, calls, share failed by the service (server errors and timeouts), p95 at most 2.2 % off, and the newest call (in long ranges: the minute or quarter of an hour of it). From `calls` or its roll-ups, names and plans from `consumers`.',
          unit: 'none',
          noValue: 'No calls in this time range',
          sortBy: [{ displayName: 'calls', desc: true }],
          overrides: [column('share of calls', unit('percentunit'), decimals(1), fixed('blue'), ...gauge), ...measured],
          sql: sql`
            SELECT
              ${consumerName} AS consumer,
              if(known_plan = '', plan_seen, known_plan) AS plan,
              n AS calls,
              n / sum(n) OVER () AS "share of calls",
              ${failedShare} AS "error share",
              ${percentile(0.95)} AS p95,
              last AS "last call"
            FROM (
              ${calls({ time: 'none', keys: ['consumer'], wanted: ['n', 'failed', 'h', 'last', 'plan_seen'] })}
            ) AS called
            ${knownConsumers}
            ORDER BY calls DESC
            LIMIT ${limits.tableRows}`,
        }),
      ],
    },
    {
      h: 10,
      panels: [
        timeSeries({
          id: 8,
          w: 8,
          points: limits.consumerPoints,
          title: 'Calls by consumer',
          description: `Incoming calls per second of the ${limits.topConsumers} consumers with most calls in the range, and of all others together. From \`calls\` or its roll-ups. A new block on top is a consumer whose traffic grew.`,
          unit: 'reqps',
          noValue: 'No calls in this time range',
          displayName,
          color: { mode: 'palette-classic-by-name' },
          drawing: { drawStyle: 'bars', stacking: { mode: 'normal', group: 'A' }, fillOpacity: 80, lineWidth: 0 },
          legend: [],
          overrides: [series('all others', fixed('text'))],
          sql: sql`
            WITH top AS (
              ${top}
            )
            SELECT
              time,
              if(consumer IN (SELECT consumer FROM top), ${consumerName}, 'all others') AS shown,
              sum(n) / ${step} AS "requests/s"
            FROM (
              ${calls({ time: 'buckets', keys: ['consumer'], wanted: ['n'] })}
            ) AS called
            ${knownConsumers}
            GROUP BY time, shown
            ORDER BY time, shown = 'all others', shown`,
        }),
        timeSeries({
          id: 9,
          w: 8,
          points: limits.consumerPoints,
          title: 'Error share by consumer',
          description: `Share of calls that the service failed (server errors and timeouts), for the ${limits.topConsumers} consumers with most calls in the range. From \`calls\` or its roll-ups. One line above the others: the fault depends on what this consumer sends.`,
          unit: 'percentunit',
          min: 0,
          noValue: 'No calls in this time range',
          displayName,
          color: { mode: 'palette-classic-by-name' },
          thresholds: ['transparent', [failedSteps[0], 'yellow'], [failedSteps[1], 'red']],
          lines: true,
          drawing: { axisSoftMax: 0.06, fillOpacity: 0 },
          sql: sql`
            SELECT time, ${consumerName} AS shown, ${failedShare} AS "error share"
            FROM (
              ${calls({ time: 'buckets', keys: ['consumer'], wanted: ['n', 'failed'] })}
            ) AS called
            ${knownConsumers}
            WHERE consumer IN (
              ${top}
            )
            ORDER BY time, shown`,
        }),
        timeSeries({
          id: 10,
          w: 8,
          points: limits.consumerPoints,
          title: 'p95 by consumer',
          description: `95 % of the calls in a bucket were faster than this, for the ${limits.topConsumers} consumers with most calls in the range; at most 2.2 % off. From \`calls\` or its roll-ups. One line above the others: look at what this consumer asks for.`,
          unit: 'ms',
          noValue: 'No calls in this time range',
          displayName,
          color: { mode: 'palette-classic-by-name' },
          drawing: { fillOpacity: 0 },
          sql: sql`
            SELECT time, ${consumerName} AS shown, ${percentile(0.95)} AS p95
            FROM (
              ${calls({ time: 'buckets', keys: ['consumer'], wanted: ['h'] })}
            ) AS called
            ${knownConsumers}
            WHERE consumer IN (
              ${top}
            )
            ORDER BY time, shown`,
        }),
      ],
    },
  ],
})
