// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the file's own syntax for variables
import { describe, expect, it } from 'vitest'
import { limits } from '../limits.ts'
import { faultText } from './fault.ts'
import { parseConfig, readConfig, readRule } from './read.ts'
import { defaultRetention, pastMs } from './retention.ts'

const hash = 'a'.repeat(64)

function faultsOf(text: string, env: Record<string, string> = {}): string[] {
  return parseConfig(text, 'callsight.yaml', env).faults.map(faultText)
}

describe('a configuration', () => {
  it('is read into parsed values, frozen', () => {
    const { config, faults } = parseConfig(
      `
store: { url: "https://me:\${PASSWORD}@clickhouse:8443/callsight", exactly_once: false, profile: replicated, cluster: prod }
retention: { calls: 30 days, payloads: 2w, rollups: 1y, minutes: 4 months }
listen: { otlp: "0.0.0.0:4318", grpc: "127.0.0.1:0", web: "[::1]:0" }
tokens:
  - { name: shop, scope: ingest, sha256: "${hash.toUpperCase()}", env: prod }
consumers:
  - { id: acme, name: Acme Corp, plan: gold, keys: ["sha256:${hash}"], time_zone: Europe/Berlin }
  - { id: bob }
plans:
  gold: { quotas: [{ name: monthly, limit: 1000000, per: month }, { name: burst, limit: "\${BURST}", per: 1m }] }
objectives:
  - name: fast
    service: checkout
    operation: "POST /orders"
    per: consumer
    good: { latency_below: 300ms }
    target: 99.95%
    window: 30d
    method: occurrences
  - name: up
    consumer: acme
    good: { statuses: [501] }
    failed: [server_error, timeout, aborted, 429]
    not_counted: [404]
    target: 99%
    window: month
    time_zone: Asia/Kolkata
    method: timeslices
    slice: 1m
    slice_target: 95%
    empty: bad
    exclude:
      - { from: 2026-11-20T02:00Z, to: "2026-11-20T04:00:00+01:00", reason: maintenance }
      - { from: 2026-11-21T01:00Z, to: 2026-11-21T01:07Z }
    min_calls: 50
    min_bad: 5
    notify: [ops]
    severity: critical
alerts:
  - name: slow
    when: p99.9>1.5s
    over: 5m
    for: 1m
    keep_firing_for: 90s
    min_calls: 20
    group_by: [operation, consumer, operation]
    severity: page
    notify: [ops, "https://hooks.example.com/x"]
  - { name: failing, when: error_rate > 2.5 % }
channels:
  ops: { webhook: "\${HOOK}", secret: "whsec_c2VjcmV0" }
`,
      'callsight.yaml',
      { PASSWORD: 'p', BURST: '600', HOOK: 'http://127.0.0.1:9/h' },
    )
    expect(faults).toEqual([])
    expect(config).toEqual({
      store: {
        url: 'https://me:p@clickhouse:8443/callsight',
        exactlyOnce: false,
        profile: 'replicated',
        cluster: 'prod',
      },
      retention: {
        ...defaultRetention,
        payloads: { count: 14, unit: 'day' },
        rollups: { count: 12, unit: 'month' },
        minutes: { count: 4, unit: 'month' },
      },
      listen: {
        otlp: { host: '0.0.0.0', port: 4318 },
        grpc: { host: '127.0.0.1', port: 0 },
        web: { host: '::1', port: 0 },
      },
      tokens: [{ name: 'shop', scope: 'ingest', sha256: hash, env: 'prod' }],
      consumers: [
        { id: 'acme', name: 'Acme Corp', plan: 'gold', keys: [hash], timeZone: 'Europe/Berlin' },
        { id: 'bob', name: 'bob', plan: undefined, keys: [], timeZone: 'UTC' },
      ],
      plans: [
        {
          name: 'gold',
          quotas: [
            { name: 'monthly', limit: 1000000, per: 'month' },
            { name: 'burst', limit: 600, per: '1m' },
          ],
        },
      ],
      objectives: [
        {
          name: 'fast',
          service: 'checkout',
          operation: 'POST /orders',
          consumer: undefined,
          per: 'consumer',
          latencyBelowUs: 300_000,
          good: {
            failed: ['server_error', 'timeout'],
            failedStatuses: [],
            goodStatuses: [],
            notCounted: ['aborted'],
            notCountedStatuses: [],
          },
          target: { text: '99.95%', numerator: 9995, denominator: 10_000 },
          window: '30d',
          windowMs: 30 * 86_400_000,
          calendar: undefined,
          timeZone: 'UTC',
          method: 'occurrences',
          sliceMs: 300_000,
          sliceTarget: undefined,
          empty: 'good',
          exclude: [],
          minCalls: 10,
          minBad: 3,
          notify: [],
          severity: 'page',
        },
        {
          name: 'up',
          service: undefined,
          operation: undefined,
          consumer: 'acme',
          per: undefined,
          latencyBelowUs: undefined,
          good: {
            failed: ['server_error', 'timeout', 'aborted'],
            failedStatuses: [429],
            goodStatuses: [501],
            notCounted: [],
            notCountedStatuses: [404],
          },
          target: { text: '99%', numerator: 99, denominator: 100 },
          window: 'month',
          windowMs: 30 * 86_400_000,
          calendar: 'month',
          timeZone: 'Asia/Kolkata',
          method: 'timeslices',
          sliceMs: 60_000,
          sliceTarget: { text: '95%', numerator: 95, denominator: 100 },
          empty: 'bad',
          exclude: [
            { fromMs: Date.UTC(2026, 10, 20, 2), toMs: Date.UTC(2026, 10, 20, 3), reason: 'maintenance' },
            { fromMs: Date.UTC(2026, 10, 21, 1), toMs: Date.UTC(2026, 10, 21, 1, 7), reason: '' },
          ],
          minCalls: 50,
          minBad: 5,
          notify: ['ops'],
          severity: 'critical',
        },
      ],
      alerts: [
        {
          name: 'slow',
          when: {
            text: 'p99.9 > 1.5s',
            metric: 'percentile',
            percentile: { text: '99.9%', numerator: 999, denominator: 1000 },
            aboveUs: 1_500_000,
          },
          overMs: 300_000,
          forMs: 60_000,
          keepFiringForMs: 90_000,
          minCalls: 20,
          service: undefined,
          operation: undefined,
          consumer: undefined,
          groupBy: ['consumer', 'operation'],
          severity: 'page',
          notify: ['ops', 'https://hooks.example.com/x'],
        },
        {
          name: 'failing',
          when: {
            text: 'error_rate > 2.5 %',
            metric: 'error_rate',
            above: { text: '2.5 %', numerator: 25, denominator: 1000 },
          },
          overMs: 300_000,
          forMs: 0,
          keepFiringForMs: 0,
          minCalls: 10,
          service: undefined,
          operation: undefined,
          consumer: undefined,
          groupBy: [],
          severity: 'warning',
          notify: [],
        },
      ],
      channels: [{ name: 'ops', webhook: 'http://127.0.0.1:9/h', secret: 'whsec_c2VjcmV0' }],
    })
    expect(Object.isFrozen(config?.alerts[0]?.when)).toBe(true)
  })

  it('takes calls for as long as it keeps them', () => {
    const past = (calls: string) => pastMs(parseConfig(`retention: { calls: ${calls} }`, 'x', {}).config!) / 86_400_000
    expect([past('30d'), past('2w'), past('1 month'), past('1y'), past('14 months')]).toEqual([30, 14, 28, 365, 421])
  })

  it('may be empty, and so may be its sections', () => {
    expect(parseConfig('', 'x', {}).config?.listen.otlp.port).toBe(4318)
    expect(parseConfig('alerts:\n  # none yet\n', 'x', {}).config?.alerts).toEqual([])
  })

  it('follows aliases, and places their faults where the value stands', () => {
    const text = 'plans:\n  gold: &g { quotas: [{ name: m, limit: many, per: month }] }\n  blue: *g\n'
    expect(faultsOf(text)).toEqual([
      'callsight.yaml:2:41: plans.gold.quotas[0].limit: "many" is not a whole number from 1; write it in digits: 2',
      'callsight.yaml:2:41: plans.blue.quotas[0].limit: "many" is not a whole number from 1; write it in digits: 2',
    ])
  })
})

describe('faults', () => {
  it('are all reported together, each with its place and a remedy', () => {
    const text = `stor: { url: x }
retention: { calls: 30d, payloads: 7, spans: 5h, logs: 0d, minutes: 1 month, rollups: 11y, bodies: 7d }
store: { url: "ftp://x", exactly_once: yes, profile: sharded, cluster: "a b" }
listen: { otlp: "4318" }
tokens:
  - { name: a, scope: ingst, sha256: abc }
  - { name: a, scope: consumer, sha256: ${hash}, consumer: acme }
consumers:
  - { id: acme, plan: glod, keys: ["sha256:${hash}", "${hash}"], time_zone: Mars/Base }
  - { id: 7 }
plans:
  gold:
    quotas:
      - { name: monthly, limit: 0, per: day }
objectives:
  - name: fast
    good: { latency_below: 300 }
    target: 99.5
    window: monthly
    method: timeslice
    exclude: [{ from: 2026-11-20, to: 2026-11-20T03:00Z, why: x }]
  - { name: fast, target: 100%, window: 90d }
alerts:
  - when: p95 >> 300ms
    over: 5 minutes
    group_by: [operatoin]
    notify: [opps, "ftp://x"]
    servce: shop
  - { name: b, when: rps > 5, for: 2d }
  - { name: c, when: p97 > 5s, notify: ops }
  - just text
channels:
  ops: { webhook: "\${HOOK}", secret: whsec_! }
  chat: { slack: "https://hooks.example.com/secret-path" }
  bad: { webhook: "secret-path" }
`
    expect(faultsOf(text)).toEqual([
      'callsight.yaml:1:1: stor: unknown key "stor"; did you mean store?',
      'callsight.yaml:2:36: retention.payloads: "7" is not how long something is kept; write whole days, weeks, months or years: 30d, 2w, 25 months, 1y',
      'callsight.yaml:2:46: retention.spans: "5h" is not how long something is kept; write whole days, weeks, months or years: 30d, 2w, 25 months, 1y',
      'callsight.yaml:2:56: retention.logs: "0d" is too short; write at least 1d',
      'callsight.yaml:2:69: retention.minutes: "1 month" is too short; write at least 33d',
      'callsight.yaml:2:87: retention.rollups: "11y" is too long; write at most 3660d',
      'callsight.yaml:2:92: retention.bodies: unknown key "bodies"; the keys here are calls, payloads, spans, logs, metrics, minutes, rollups, reports, judgements',
      'callsight.yaml:3:15: store.url: is not the place of a store; write embedded:DIR or https://user:password@host:8443/callsight',
      'callsight.yaml:3:40: store.exactly_once: "yes" is neither true nor false; write true or false',
      'callsight.yaml:3:54: store.profile: "sharded" is not known here; use single, replicated, cloud',
      'callsight.yaml:3:72: store.cluster: "a b" is not the name of a cluster; write a name of system.clusters',
      'callsight.yaml:4:17: listen.otlp: "4318" is not an address; write HOST:PORT: 127.0.0.1:4318',
      'callsight.yaml:6:23: tokens[0].scope: "ingst" is not known here; did you mean ingest?',
      'callsight.yaml:6:38: tokens[0].sha256: is not a SHA-256; write 64 hexadecimal digits: printf %s "$KEY" | sha256sum',
      'callsight.yaml:7:13: tokens[1].name: the token "a" is there twice; rename or remove one',
      'callsight.yaml:7:23: tokens[1].scope: consumer is not supported yet; use ingest, read, admin',
      'callsight.yaml:7:107: tokens[1].consumer: the key consumer is not supported yet; remove it',
      'callsight.yaml:9:23: consumers[0].plan: there is no plan "glod"; did you mean gold?',
      `callsight.yaml:9:111: consumers[0].keys[1]: the key hash "${hash}" is there twice; rename or remove one`,
      'callsight.yaml:9:191: consumers[0].time_zone: "Mars/Base" is not a time zone; write an IANA name: Europe/Berlin',
      'callsight.yaml:10:11: consumers[1].id: 7 is a number, not text; put it in quotes: "7"',
      'callsight.yaml:14:33: plans.gold.quotas[0].limit: "0" is not a whole number from 1; write it in digits: 2',
      'callsight.yaml:14:41: plans.gold.quotas[0].per: day is not supported yet; use month, 1m',
      'callsight.yaml:17:28: objectives[0].good.latency_below: "300" is not a duration; write a number and a unit (us, ms, s, m, h, d, w): 5m',
      'callsight.yaml:18:13: objectives[0].target: "99.5" is not a percentage; write a number with a percent sign: 99.5%',
      'callsight.yaml:19:13: objectives[0].window: "monthly" is neither a duration nor a period of the calendar; write 30d, or day, week, month, quarter, year',
      'callsight.yaml:20:13: objectives[0].method: "timeslice" is not known here; did you mean timeslices?',
      'callsight.yaml:21:23: objectives[0].exclude[0].from: "2026-11-20" is not a whole minute with its offset from UTC; write 2026-11-20T02:00Z or 2026-11-20T03:00+01:00',
      'callsight.yaml:21:58: objectives[0].exclude[0].why: unknown key "why"; the keys here are from, to, reason',
      'callsight.yaml:22:13: objectives[1].name: the objective "fast" is there twice; rename or remove one',
      'callsight.yaml:22:27: objectives[1].target: "100%" leaves nothing to judge; write more than 0% and less than 100%',
      'callsight.yaml:24:5: alerts[0].name: is missing; add it',
      'callsight.yaml:24:11: alerts[0].when: ">>" is not a comparison here; use >',
      'callsight.yaml:25:11: alerts[0].over: "5 minutes" is not a duration; write a number and a unit (us, ms, s, m, h, d, w): 5m',
      'callsight.yaml:26:16: alerts[0].group_by[0]: "operatoin" is not known here; did you mean operation?',
      'callsight.yaml:27:14: alerts[0].notify[0]: there is no channel "opps"; did you mean ops?',
      'callsight.yaml:27:20: alerts[0].notify[1]: this is not an http or https URL; write it as https://hooks.example.com/path',
      'callsight.yaml:28:5: alerts[0].servce: unknown key "servce"; did you mean service?',
      'callsight.yaml:29:22: alerts[1].when: rps is not supported yet; use p50, p90, p95, p99, p99.9, error_rate',
      'callsight.yaml:29:36: alerts[1].for: "2d" is too long; write at most 1d',
      'callsight.yaml:30:22: alerts[2].when: "p97" is not a metric; did you mean p90?',
      'callsight.yaml:30:40: alerts[2].notify: is not a list; write [a, b] or one "- a" a line',
      'callsight.yaml:31:5: alerts[3]: is not a map; write key: value pairs',
      'callsight.yaml:33:19: channels.ops.webhook: ${HOOK} is not set; set the environment variable HOOK',
      'callsight.yaml:33:38: channels.ops.secret: starts with whsec_ but goes on with something else than base64; copy the whole secret',
      'callsight.yaml:34:9: channels.chat.webhook: is missing; add it',
      'callsight.yaml:34:11: channels.chat.slack: the key slack is not supported yet; remove it',
      'callsight.yaml:35:19: channels.bad.webhook: this is not an http or https URL; write it as https://hooks.example.com/path',
    ])
  })

  it('tell what does not go together in a contract', () => {
    const text = `objectives:
  - name: a
    target: 99.9%
    window: 30d
    contract: { formula: azure, slice: 7m, empty: maybe, unavailable_below: 95, min_calls: 0, credits: [{ belo: 99%, credit: 10 }], cap: 101%, tier: 1 }
  - name: b
    per: consumer
    target: 99.9%
    window: 30d
    contract: { formula: twilio, slice: 5m, credits: [{ below: 99.95%, credit: 10% }, { below: 99%, credit: 25% }, { below: 99%, credit: 30% }, { below: 95%, credit: 20% }] }
  - { name: c, per: consumer, target: 99%, window: 30d, contract: { formula: google, empty: good, unavailable_below: 90% } }
  - { name: d, consumer: acme, target: 99%, window: 30d, contract: { formula: calls, min_calls: 5 } }
  - { name: e, per: consumer, target: 99%, window: 30d, contract: aws }
  - { name: f, per: consumer, target: 99%, window: 30d, contract: {} }
`
    expect(faultsOf(text)).toEqual([
      'callsight.yaml:5:5: objectives[0].contract: the key contract is for a promise made to somebody; add per: consumer, or consumer: ID, to the objective',
      'callsight.yaml:5:26: objectives[0].contract.formula: "azure" is not known here; use aws, twilio, google, calls',
      'callsight.yaml:5:40: objectives[0].contract.slice: "7m" does not divide an hour; write 1m, 5m, 10m, 15m, 30m or 1h',
      'callsight.yaml:5:51: objectives[0].contract.empty: "maybe" is not known here; use good, ignore, bad',
      'callsight.yaml:5:77: objectives[0].contract.unavailable_below: "95" is not a percentage; write a number with a percent sign: 99.5%',
      'callsight.yaml:5:92: objectives[0].contract.min_calls: "0" is not a whole number from 1; write it in digits: 2',
      'callsight.yaml:5:105: objectives[0].contract.credits[0].below: is missing; add it',
      'callsight.yaml:5:107: objectives[0].contract.credits[0].belo: unknown key "belo"; did you mean below?',
      'callsight.yaml:5:126: objectives[0].contract.credits[0].credit: "10" is not a percentage; write a number with a percent sign: 99.5%',
      'callsight.yaml:5:138: objectives[0].contract.cap: "101%" is more than all; write at most 100%',
      'callsight.yaml:5:144: objectives[0].contract.tier: unknown key "tier"; the keys here are formula, slice, empty, unavailable_below, min_calls, credits, cap',
      'callsight.yaml:10:15: objectives[1].contract: does not say when a minute is unavailable; add unavailable_below: 95%, a share of good calls',
      'callsight.yaml:10:34: objectives[1].contract.slice: the key slice says nothing under the formula twilio; remove it; it is for aws, calls',
      'callsight.yaml:10:64: objectives[1].contract.credits[0].below: "99.95%" is above the target 99.9%, so that credit would be due for a promise kept; write at most 99.9%',
      'callsight.yaml:10:125: objectives[1].contract.credits[2].below: "99%" is there twice; remove one of the two',
      'callsight.yaml:10:167: objectives[1].contract.credits[3].credit: below 95% and below 99% do not earn more the lower it gets; give the lower one the higher credit',
      'callsight.yaml:11:86: objectives[2].contract.empty: the key empty says nothing under the formula google; remove it; it is for aws, twilio',
      'callsight.yaml:11:99: objectives[2].contract.unavailable_below: the key unavailable_below says nothing under the formula google; remove it; it is for twilio',
      'callsight.yaml:12:86: objectives[3].contract.min_calls: the key min_calls says nothing under the formula calls; remove it; it is for aws, twilio, google',
      'callsight.yaml:13:67: objectives[4].contract: is not a map; write key: value pairs',
      'callsight.yaml:14:67: objectives[5].contract.formula: is missing; add it',
    ])
  })

  it('tell when counts do not live as long as an objective looks back, at the place of its window', () => {
    const file = (window: string, more = '', retention = '{}') =>
      faultsOf(`retention: ${retention}\nobjectives: [{ name: a, target: 99%, window: ${window}${more} }]\n`)
    expect(file('365d')).toEqual([])
    expect(file('year')).toEqual([])
    expect(file('year', '', '{ rollups: 1y }')).toEqual([
      'callsight.yaml:2:46: objectives[0].window: "year" is longer than counts by quarter of an hour are kept (12 months); write at most 365d, or keep them longer with retention.rollups',
    ])
    const slices = ', method: ratio_timeslices, slice: 5m'
    expect(file('90d', slices)).toEqual([])
    expect(file('quarter', ', method: ratio_timeslices, slice: 30m')).toEqual([])
    expect(file('quarter', slices)).toEqual([
      'callsight.yaml:2:46: objectives[0].window: "quarter" is longer than counts by minute are kept (90d), which its slices need; write at most 90d, choose slices of 15m, or keep them longer with retention.minutes',
    ])
    expect(file('quarter', slices, '{ minutes: 100d }')).toEqual([])
    const exclude = (to: string) => `, exclude: [{ from: 2026-11-20T02:00Z, to: 2026-11-20T${to}Z }]`
    expect(file('365d', exclude('02:45'))).toEqual([])
    expect(file('365d', exclude('02:50'))).toEqual([
      'callsight.yaml:2:46: objectives[0].window: "365d" is longer than counts by minute are kept (90d), which its exclusions need; write at most 90d, exclude whole quarters of an hour, or keep them longer with retention.minutes',
    ])
  })

  it('tell what does not go together in an objective', () => {
    const file = (more: string) => faultsOf(`objectives: [{ name: a, target: 99%, window: 90m, ${more} }]`)
    expect(file('consumer: acme, per: consumer, slice: 5m, empty: bad')).toEqual([
      'callsight.yaml:1:72: objectives[0].per: one consumer, and each, do not go together; remove consumer or per',
      'callsight.yaml:1:89: objectives[0].slice: slice is about slices of time, and the method is occurrences; remove it, or write method: timeslices or ratio_timeslices',
      'callsight.yaml:1:100: objectives[0].empty: empty is about slices of time, and the method is occurrences; remove it, or write method: timeslices or ratio_timeslices',
    ])
    expect(file('method: timeslices, slice: 7m')).toEqual([
      'callsight.yaml:1:59: objectives[0].method: timeslices need to know when a slice is good; add the share of good calls, as in slice_target: 95%',
      'callsight.yaml:1:78: objectives[0].slice: an hour is not a whole number of "7m"; write 1m, 2m, 3m, 4m, 5m, 6m, 10m, 12m, 15m, 20m, 30m, 1h',
    ])
    expect(file('method: ratio_timeslices, slice_target: 95%')).toEqual([
      'callsight.yaml:1:91: objectives[0].slice_target: ratio_timeslices take each slice by its share of good calls, not by a target; remove it, or write method: timeslices',
    ])
    expect(file('failed: [server_eror, 429, 600], not_counted: [429, aborted], notify: [opps]')).toEqual([
      'callsight.yaml:1:60: objectives[0].failed[0]: "server_eror" is neither an outcome nor a status; did you mean server_error?',
      'callsight.yaml:1:78: objectives[0].failed[2]: "600" is not an HTTP status; write a number from 100 to 599',
      'callsight.yaml:1:98: objectives[0].not_counted[0]: 429 stands under failed, too; remove one',
      'callsight.yaml:1:122: objectives[0].notify[0]: there is no channel "opps"; add it under channels, or use one that is there',
    ])
    expect(file('exclude: [{ from: 2026-11-20T02:00Z, to: 2026-11-20T02:00Z }]')).toEqual([
      'callsight.yaml:1:92: objectives[0].exclude[0].to: the exclusion ends before it begins; write a later time',
    ])
    expect(faultsOf('objectives: [{ name: a, target: 99%, window: 90s }]')).toEqual([
      'callsight.yaml:1:46: objectives[0].window: "90s" is too short; write at least 1h',
    ])
  })

  it('tell when a store cannot be laid out as is said', () => {
    expect(faultsOf('store: { url: "embedded:./x", profile: replicated }')).toEqual([
      'callsight.yaml:1:40: store.profile: an embedded store cannot be replicated; remove it, or write the URL of a server',
    ])
    expect(faultsOf('store: { url: "embedded:./x", cluster: a }')).toEqual([
      'callsight.yaml:1:40: store.cluster: an embedded store is no cluster; remove it',
    ])
    expect(faultsOf('store: { url: "http://h/x", profile: cloud, cluster: a }')).toEqual([
      'callsight.yaml:1:54: store.cluster: the profile cloud has no cluster; remove it, or write profile: replicated',
    ])
    expect(faultsOf('store: { url: "http://h/x", cluster: a }')).toEqual([])
  })

  it('bound the latencies that are counted for every call', () => {
    const objectives = (count: number) =>
      `objectives:\n${Array.from({ length: count }, (_, i) => `  - { name: o${i}, target: 99%, window: 1d, good: { latency_below: ${i + 1}ms } }\n`).join('')}`
    expect(
      faultsOf(
        `${objectives(limits.thresholds)}  - { name: again, target: 99%, window: 1d, good: { latency_below: 1ms } }\n`,
      ),
    ).toEqual([])
    expect(faultsOf(objectives(limits.thresholds + 1))).toEqual([
      'callsight.yaml:66:66: objectives[64].good.latency_below: objectives promise more than 64 different latencies, each of which is counted for every call; use one that is there',
    ])
  })

  it('of the YAML itself have a place too', () => {
    expect(faultsOf('alerts: [\nstore: {}\n')).toEqual([
      expect.stringMatching(/^callsight\.yaml:\d+:\d+: .+; correct the YAML here$/),
      ...faultsOf('alerts: [\nstore: {}\n').slice(1),
    ])
    expect(faultsOf('alerts: []\nalerts: []\n')[0]).toBe(
      'callsight.yaml:2:1: Map keys must be unique; correct the YAML here',
    )
  })

  it('show the variable and not its value', () => {
    const [fault] = faultsOf('alerts: [{ name: a, when: "${WHEN}" }]', { WHEN: 'a secret' })
    expect(fault).toBe(
      'callsight.yaml:1:27: alerts[0].when: "${WHEN}" is not a condition; write it as p95 > 300ms or error_rate > 5%',
    )
  })

  it('leave $${NAME} as the text ${NAME}', () => {
    const { config } = parseConfig('consumers: [{ id: "$${A}" }]', 'x', {})
    expect(config?.consumers[0]?.id).toBe('${A}')
  })

  it('name a file that is not there', () => {
    const { faults } = readConfig('/nowhere/callsight.yaml', {})
    expect(faultText(faults[0]!)).toMatch(/^\/nowhere\/callsight\.yaml:1:1: cannot be read: ENOENT/)
  })
})

describe('a rule from elsewhere', () => {
  it('is held to the same', () => {
    expect(readRule({ name: 'a', when: 'p95 > 1s', notify: ['ops'] }, ['ops']).rule?.overMs).toBe(300_000)
    expect(readRule({ name: 'a', when: 'p95 > 1', notify: ['x'] }, ['ops']).problems).toEqual([
      {
        path: ['when'],
        what: '"1" is not a duration',
        remedy: 'write a number and a unit (us, ms, s, m, h, d, w): 5m',
      },
      {
        path: ['notify', 0],
        what: 'there is no channel "x"',
        remedy: 'add it under channels, or use one that is there',
      },
    ])
  })
})
