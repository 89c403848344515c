// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the file's own syntax for variables
import { describe, expect, it } from 'vitest'
import { limits } from '../limits.ts'
import { faultText, problemText } from './fault.ts'
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
    recover: 1s
    min_calls: 20
    points: 2 of 3
    confidence: 95%
    no_data: keep
    labels: { team: shop }
    annotations: { hint: look at the queue }
    runbook: https://wiki.example.com/slow
    group_by: [operation, consumer, operation]
    severity: page
    notify: [ops, "https://hooks.example.com/x"]
  - { name: failing, when: error_rate > 2.5 % }
channels:
  ops: { webhook: "\${HOOK}", secret: "whsec_c2VjcmV0" }
grouping: { by: [service, alertname, service], wait: 10s, interval: 1m, repeat: 1d }
maintenance:
  - { name: move, matchers: ["service=shop"], from: "2026-11-20T02:00Z", to: 2026-11-20T04:00+01:00 }
  - name: nightly
    weekly: [{ days: [sat, sun], from: "23:00", to: "01:30" }, { from: "12:00", to: "24:00" }]
    time_zone: Europe/Berlin
inhibit: [{ source: ['severity="page"'], target: ['severity!="page"'], equal: [service] }]
heartbeat: https://heart.example.com/x
external_url: https://callsight.example.com/here/
`,
      'callsight.yaml',
      { PASSWORD: 'p', BURST: '600', HOOK: 'http://127.0.0.1:9/h' },
    )
    expect(faults).toEqual([])
    const nothing = {
      ...{ service: undefined, operation: undefined, consumer: undefined, env: undefined, plan: undefined },
      ...{ style: undefined, peer: undefined, objective: undefined, quota: undefined },
    }
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
      tokens: [{ name: 'shop', scope: 'ingest', sha256: hash, env: 'prod', consumer: undefined }],
      consumers: [
        { id: 'acme', name: 'Acme Corp', plan: 'gold', keys: [hash], timeZone: 'Europe/Berlin', quotas: [] },
        { id: 'bob', name: 'bob', plan: undefined, keys: [], timeZone: 'UTC', quotas: [] },
      ],
      plans: [
        {
          name: 'gold',
          quotas: [
            {
              name: 'monthly',
              limit: 1000000,
              per: 'month',
              window: 'month',
              anchor: 1,
              meter: { text: 'calls', sum: 'calls' },
              operation: undefined,
              outcomes: undefined,
              kind: 'soft',
              thresholds: [50, 80, 90, 100].map((percent) => ({
                text: `${percent}%`,
                numerator: percent,
                denominator: 100,
              })),
              notify: [],
            },
            expect.objectContaining({ name: 'burst', limit: 600, per: '1m', window: 'minute', thresholds: [] }),
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
          contract: undefined,
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
          contract: undefined,
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
      openslo: [],
      alerts: [
        {
          name: 'slow',
          when: {
            text: 'p99.9 > 1.5s',
            metric: 'percentile',
            percentile: { share: { text: '99.9%', numerator: 999, denominator: 1000 }, measure: 'duration' },
            comparison: '>',
            threshold: { numerator: 1_500_000, denominator: 1 },
            unit: 'us',
          },
          overMs: 300_000,
          forMs: 60_000,
          keepFiringForMs: 90_000,
          recover: { numerator: 1_000_000, denominator: 1 },
          minCalls: 20,
          points: { needed: 2, of: 3 },
          confidence: { text: '95%', numerator: 95, denominator: 100 },
          noData: 'keep',
          direction: 'in',
          ...nothing,
          groupBy: ['consumer', 'operation'],
          severity: 'page',
          labels: { team: 'shop' },
          annotations: { hint: 'look at the queue', runbook_url: 'https://wiki.example.com/slow' },
          notify: ['ops', 'https://hooks.example.com/x'],
        },
        {
          name: 'failing',
          when: {
            text: 'error_rate > 2.5 %',
            metric: 'error_rate',
            percentile: undefined,
            comparison: '>',
            threshold: { text: '2.5 %', numerator: 25, denominator: 1000 },
            unit: 'share',
          },
          overMs: 300_000,
          forMs: 0,
          keepFiringForMs: 0,
          recover: undefined,
          minCalls: 10,
          points: { needed: 1, of: 1 },
          confidence: { text: '99.9%', numerator: 999, denominator: 1000 },
          noData: 'ok',
          direction: 'in',
          ...nothing,
          groupBy: [],
          severity: 'warning',
          labels: {},
          annotations: {},
          notify: [],
        },
      ],
      channels: [
        {
          kind: 'webhook',
          name: 'ops',
          url: 'http://127.0.0.1:9/h',
          secrets: ['whsec_c2VjcmV0'],
          allowPrivate: false,
        },
      ],
      notices: { allowPrivate: [] },
      grouping: { by: ['alertname', 'service'], waitMs: 10_000, intervalMs: 60_000, repeatMs: 86_400_000 },
      maintenance: [
        {
          name: 'move',
          matchers: [{ text: 'service="shop"', label: 'service', negated: false, value: 'shop', pattern: undefined }],
          fromMs: Date.UTC(2026, 10, 20, 2),
          toMs: Date.UTC(2026, 10, 20, 3),
          weekly: [],
          timeZone: 'UTC',
        },
        {
          name: 'nightly',
          matchers: [],
          fromMs: undefined,
          toMs: undefined,
          weekly: [
            { days: [6, 0], fromMinute: 23 * 60, toMinute: 90 },
            { days: [0, 1, 2, 3, 4, 5, 6], fromMinute: 720, toMinute: 1440 },
          ],
          timeZone: 'Europe/Berlin',
        },
      ],
      inhibit: [
        {
          source: [{ text: 'severity="page"', label: 'severity', negated: false, value: 'page', pattern: undefined }],
          target: [{ text: 'severity!="page"', label: 'severity', negated: true, value: 'page', pattern: undefined }],
          equal: ['service'],
        },
      ],
      heartbeat: 'https://heart.example.com/x',
      externalUrl: 'https://callsight.example.com/here',
    })
    expect(Object.isFrozen(config?.alerts[0]?.when)).toBe(true)
  })

  it('tells what is wrong with who is told when', () => {
    expect(
      faultsOf(`
grouping: { by: [my-label], wait: 1h, interval: 0s, repeat: 1s, bye: [service] }
maintenance:
  - { name: a }
  - { name: b, from: 2026-11-20T02:00, to: 2026-02-31T02:00Z }
  - { name: c, from: 2026-11-20T02:00Z, to: 2026-11-20T02:00Z }
  - { name: c, weekly: [{ days: [tues], from: "2:00", to: "24:30" }] }
  - { name: d, time_zone: UTC, weekly: [{ from: "02:00", to: "02:00", on: [mon] }], matchers: [service, 'a=~"("', 'a="b'] }
inhibit: [{ source: [], target: ['a=b'] }, { target: ['a=b'] }]
heartbeat: ftp://x
external_url: https://me:pass@callsight.example.com
`),
    ).toEqual([
      'callsight.yaml:2:18: grouping.by[0]: "my-label" is not a label; write alertname, severity, service, operation, consumer …',
      'callsight.yaml:2:35: grouping.wait: "1h" is too long; write at most 10m',
      'callsight.yaml:2:49: grouping.interval: "0s" is too short; write at least 1s',
      'callsight.yaml:2:61: grouping.repeat: "1s" is too short; write at least 1m',
      'callsight.yaml:2:65: grouping.bye: unknown key "bye"; did you mean by?',
      'callsight.yaml:4:5: maintenance[0]: this maintenance has no end; write from and to, or weekly times',
      'callsight.yaml:5:22: maintenance[1].from: "2026-11-20T02:00" is not a moment; write it with its offset: 2026-11-20T02:00Z',
      'callsight.yaml:5:44: maintenance[1].to: "2026-02-31T02:00Z" is not a moment; write it with its offset: 2026-11-20T02:00Z',
      'callsight.yaml:6:45: maintenance[2].to: ends before it begins; swap from and to',
      'callsight.yaml:7:13: maintenance[3].name: the maintenance window "c" is there twice; rename or remove one',
      'callsight.yaml:7:34: maintenance[3].weekly[0].days[0]: "tues" is not known here; did you mean tue?',
      'callsight.yaml:7:47: maintenance[3].weekly[0].from: "2:00" is not a time of day; write it in quotes, from "00:00" to "24:00"',
      'callsight.yaml:7:59: maintenance[3].weekly[0].to: "24:30" is not a time of day; write it in quotes, from "00:00" to "24:00"',
      'callsight.yaml:8:62: maintenance[4].weekly[0].to: begins when it ends; write from: "00:00" and to: "24:00" for the whole day',
      'callsight.yaml:8:71: maintenance[4].weekly[0].on: unknown key "on"; the keys here are days, from, to',
      'callsight.yaml:8:96: maintenance[4].matchers[0]: "service" is not a matcher; write service="shop", service!="shop", operation=~"GET .*" or operation!~"GET .*"',
      'callsight.yaml:8:105: maintenance[4].matchers[1]: "(" is not a regular expression; write service="shop", service!="shop", operation=~"GET .*" or operation!~"GET .*"',
      'callsight.yaml:8:115: maintenance[4].matchers[2]: "\\"b" has quotes that do not end; close them, and write \\" for one inside',
      'callsight.yaml:9:21: inhibit[0].source: has no matcher; write at least one: [severity="page"]',
      'callsight.yaml:9:44: inhibit[1].source: is not a list; write [a, b] or one "- a" a line',
      'callsight.yaml:10:12: heartbeat: this is not an http or https URL; write it as https://hooks.example.com/path',
      'callsight.yaml:11:15: external_url: has more than a host and a path; write it as https://callsight.example.com',
    ])
  })

  it('takes calls for as long as it keeps them', () => {
    const past = (calls: string) => pastMs(parseConfig(`retention: { calls: ${calls} }`, 'x', {}).config!) / 86_400_000
    expect([past('30d'), past('2w'), past('1 month'), past('1y'), past('14 months')]).toEqual([30, 14, 28, 365, 421])
  })

  it('reads every kind of channel', () => {
    const { config, faults } = parseConfig(
      `channels:
  hook: { webhook: "https://h.example/x", secret: [new, "\${OLD}"], allow_private: true }
  chat: { slack: "https://hooks.slack.com/services/T/B/x" }
  chat2: { slack: { webhook: "https://hooks.slack.com/services/T/B/x" } }
  app: { slack: { token: xoxb-1, channel: "#ops" } }
  team: { teams: "https://x.logic.azure.com/workflows/1" }
  pager: { pagerduty: { routing_key: r, severity: { ticket: info } } }
  mail: { email: { to: [a@example.com, "B <b@example.com>"], from: "Callsight <c@example.com>", smtp: "smtp://u:p@mail.example.com" } }
  mail1: { email: { to: a@example.com, from: c@example.com, smtp: "smtps://mail.example.com", ca: PEM } }
  am: { alertmanager: "http://alertmanager:9093" }
  disc: { discord: "https://discord.com/api/webhooks/1/x" }
  tele: { telegram: { token: "1:x", chat: -100123 } }
  own: { template: { url: "https://ntfy.sh/x", headers: { Title: "{{title}}" }, body: "{{text}}" } }
  json: { template: { url: "https://x.example", method: PUT, body: { text: "{{title}}", n: 1 }, format: markdown, max_chars: 200 } }
notices: { allow_private: [10.0.0.0/8, 192.168.7.7, "fd00::/8"] }
`,
      'callsight.yaml',
      { OLD: 'old' },
    )
    expect(faults).toEqual([])
    const about = (name: string, allowPrivate = false) => ({ name, allowPrivate })
    const slack = { kind: 'slack', url: 'https://hooks.slack.com/services/T/B/x', application: undefined }
    const severity = { page: 'critical', critical: 'critical', error: 'error', info: 'info', ticket: 'info' }
    const to = ['a@example.com', 'B <b@example.com>']
    expect(config?.channels).toMatchObject([
      { ...about('hook', true), kind: 'webhook', url: 'https://h.example/x', secrets: ['new', 'old'] },
      { ...about('chat'), ...slack },
      { ...about('chat2'), ...slack },
      {
        ...about('app'),
        kind: 'slack',
        url: 'https://slack.com/api',
        application: { token: 'xoxb-1', channel: '#ops' },
      },
      { ...about('team'), kind: 'teams', url: 'https://x.logic.azure.com/workflows/1' },
      { ...about('pager'), kind: 'pagerduty', url: 'https://events.pagerduty.com', routingKey: 'r', severity },
      { ...about('mail'), kind: 'email', to, from: 'Callsight <c@example.com>', smtp: 'smtp://u:p@mail.example.com' },
      { ...about('mail1'), kind: 'email', to: ['a@example.com'], ca: 'PEM' },
      { ...about('am'), kind: 'alertmanager', url: 'http://alertmanager:9093' },
      { ...about('disc'), kind: 'discord', url: 'https://discord.com/api/webhooks/1/x', format: 'markdown' },
      {
        ...about('tele'),
        kind: 'telegram',
        url: 'https://api.telegram.org/bot1:x/sendMessage',
        body: { chat_id: '-100123', parse_mode: 'HTML' },
      },
      {
        ...about('own'),
        kind: 'template',
        method: 'POST',
        headers: { 'content-type': 'text/plain; charset=utf-8', Title: '{{title}}' },
        body: '{{text}}',
        format: 'plain',
        maxChars: 4000,
      },
      {
        ...about('json'),
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: { text: '{{title}}', n: 1 },
        format: 'markdown',
        maxChars: 200,
      },
    ])
    expect(config?.notices.allowPrivate).toEqual(['10.0.0.0/8', '192.168.7.7/32', 'fd00::/8'])
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
      - { name: monthly, limit: 0, per: fortnight }
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
  - { name: b, when: anomaly(p97), for: 2d }
  - { name: c, when: p97 > 5s, notify: ops }
  - just text
channels:
  ops: { webhook: "\${HOOK}", secret: whsec_! }
  chat: {}
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
      'callsight.yaml:7:23: tokens[1].scope: without a token of scope read or admin everybody who reaches the viewer reads everything; add one beside this',
      'callsight.yaml:9:23: consumers[0].plan: there is no plan "glod"; did you mean gold?',
      `callsight.yaml:9:111: consumers[0].keys[1]: the key hash "${hash}" is there twice; rename or remove one`,
      'callsight.yaml:9:191: consumers[0].time_zone: "Mars/Base" is not a time zone; write an IANA name: Europe/Berlin',
      'callsight.yaml:10:11: consumers[1].id: 7 is a number, not text; put it in quotes: "7"',
      'callsight.yaml:14:33: plans.gold.quotas[0].limit: "0" is not a whole number from 1; write it in digits: 2',
      'callsight.yaml:14:41: plans.gold.quotas[0].per: "fortnight" is not a period; use minute, hour, day, week, month, quarter, year, or a duration: 30d',
      'callsight.yaml:17:28: objectives[0].good.latency_below: "300" is not a duration; write a number and a unit (us, ms, s, m, h, d, w): 5m',
      'callsight.yaml:18:13: objectives[0].target: "99.5" is not a percentage; write a number with a percent sign: 99.5%',
      'callsight.yaml:19:13: objectives[0].window: "monthly" is neither a duration nor a period of the calendar; write 30d, or day, week, month, quarter, year',
      'callsight.yaml:20:13: objectives[0].method: "timeslice" is not known here; did you mean timeslices?',
      'callsight.yaml:21:23: objectives[0].exclude[0].from: "2026-11-20" is not a whole minute with its offset from UTC; write 2026-11-20T02:00Z or 2026-11-20T03:00+01:00',
      'callsight.yaml:21:58: objectives[0].exclude[0].why: unknown key "why"; the keys here are from, to, reason',
      'callsight.yaml:22:13: objectives[1].name: the objective "fast" is there twice; rename or remove one',
      'callsight.yaml:22:27: objectives[1].target: "100%" leaves nothing to judge; write more than 0% and less than 100%',
      'callsight.yaml:24:5: alerts[0].name: is missing; add it',
      'callsight.yaml:24:11: alerts[0].when: ">>" is not a comparison here; use >, >=, < or <=',
      'callsight.yaml:25:11: alerts[0].over: "5 minutes" is not a duration; write a number and a unit (us, ms, s, m, h, d, w): 5m',
      'callsight.yaml:26:16: alerts[0].group_by[0]: "operatoin" is not known here; did you mean operation?',
      'callsight.yaml:27:14: alerts[0].notify[0]: there is no channel "opps"; did you mean ops?',
      'callsight.yaml:27:20: alerts[0].notify[1]: this is not an http or https URL; write it as https://hooks.example.com/path',
      'callsight.yaml:28:5: alerts[0].servce: unknown key "servce"; did you mean service?',
      'callsight.yaml:29:22: alerts[1].when: anomaly of "p97" is not known; did you mean anomaly(p90)?',
      'callsight.yaml:29:41: alerts[1].for: "2d" is too long; write at most 1d',
      'callsight.yaml:30:22: alerts[2].when: "p97" is not a metric; did you mean p90?',
      'callsight.yaml:30:40: alerts[2].notify: is not a list; write [a, b] or one "- a" a line',
      'callsight.yaml:31:5: alerts[3]: is not a map; write key: value pairs',
      'callsight.yaml:33:19: channels.ops.webhook: ${HOOK} is not set; set the environment variable HOOK',
      'callsight.yaml:33:38: channels.ops.secret: starts with whsec_ but goes on with something else than base64; copy the whole secret',
      'callsight.yaml:34:9: channels.chat: does not say where notices go; write one of webhook, slack, teams, pagerduty, email, alertmanager, discord, telegram, template',
      'callsight.yaml:35:19: channels.bad.webhook: this is not an http or https URL; write it as https://hooks.example.com/path',
    ])
  })

  it('of channels are told, none with what is secret', () => {
    const text = `channels:
  two: { webhook: "https://h.example/secret-1", slack: "https://h.example/secret-2" }
  signed: { slack: "https://h.example/secret", secret: s }
  both: { slack: { webhook: "https://h.example/secret", token: secret, channel: c } }
  half: { slack: { token: secret } }
  none: { slack: {} }
  old: { teams: "https://acme.webhook.office.com/webhookb2/secret" }
  pager: { pagerduty: { severity: { page: hgh } } }
  mail: { email: { to: [], from: nobody, smtp: "mail.example.com", cc: x } }
  mails: { email: { to: ["a@example.com", secret], from: a@b, smtp: "http://u:secret@h" } }
  rotated: { webhook: "https://h.example/secret", secret: [fine, whsec_!] }
  tele: { telegram: { token: secret } }
  own: { template: { url: "https://h.example", body: "{{titel}} {{labels.shop}} {{nonsense}}" } }
  hdr: { template: { url: "https://h.example", body: x, headers: { "a b": x } } }
  json: { template: { url: "https://h.example", body: "{\\"a\\": {{title}}}", headers: { content-type: application/json } } }
notices: { allow_private: [10.0.0.0, 10.0.0/8, 0.0.0.0/0, "::/0", 10.0.0.0/33], group_bye: 1 }
`
    const faults = faultsOf(text)
    expect(faults.join()).not.toMatch(/secret-|:secret|"secret"/)
    expect(faults).toEqual([
      'callsight.yaml:2:56: channels.two.slack: goes to webhook and slack: a channel has one receiver; make a channel of each, and name both in notify',
      'callsight.yaml:3:56: channels.signed.secret: only a webhook is signed, not slack; remove it',
      'callsight.yaml:4:18: channels.both.slack: needs either an incoming webhook or a token; write webhook: URL, or token: and channel:',
      'callsight.yaml:5:18: channels.half.slack: has one of token and channel without the other; write token: and channel: together, and neither beside webhook:',
      'callsight.yaml:6:18: channels.none.slack: needs either an incoming webhook or a token; write webhook: URL, or token: and channel:',
      'callsight.yaml:7:17: channels.old.teams: is an Office 365 connector, which Microsoft has retired; make a workflow in Teams: "Post to a channel when a webhook request is received"',
      'callsight.yaml:8:23: channels.pager.pagerduty.routing_key: is missing; add it',
      'callsight.yaml:8:43: channels.pager.pagerduty.severity.page: "hgh" is not known here; use critical, error, warning, info',
      'callsight.yaml:9:24: channels.mail.email.to: is empty; add one',
      'callsight.yaml:9:34: channels.mail.email.from: is not an e-mail address; write it as alerts@example.com, or Callsight <alerts@example.com>',
      'callsight.yaml:9:48: channels.mail.email.smtp: this is not the URL of a mail server; write it as smtp://user:password@mail.example.com:587',
      'callsight.yaml:9:68: channels.mail.email.cc: unknown key "cc"; did you mean ca?',
      'callsight.yaml:10:43: channels.mails.email.to[1]: is not an e-mail address; write it as alerts@example.com, or Callsight <alerts@example.com>',
      'callsight.yaml:10:69: channels.mails.email.smtp: this is not the URL of a mail server; write it as smtp://user:password@mail.example.com:587',
      'callsight.yaml:11:66: channels.rotated.secret[1]: starts with whsec_ but goes on with something else than base64; copy the whole secret',
      'callsight.yaml:12:21: channels.tele.telegram.chat: is missing; add it',
      'callsight.yaml:13:54: channels.own.template.body: there is no placeholder "{{titel}}"; did you mean {{title}}?',
      'callsight.yaml:14:75: channels.hdr.template.headers.a b: is not the name of a header; rename it',
      'callsight.yaml:15:55: channels.json.template.body: is not JSON; put each {{placeholder}} inside of quotes, or write the body as a map',
      'callsight.yaml:16:38: notices.allow_private[1]: "10.0.0/8" is not a range of addresses; write one as 10.0.0.0/8 or fd00::/8',
      'callsight.yaml:16:48: notices.allow_private[2]: "0.0.0.0/0" names nearly every address; write a prefix of at least /8',
      'callsight.yaml:16:59: notices.allow_private[3]: "::/0" names nearly every address; write a prefix of at least /7',
      'callsight.yaml:16:67: notices.allow_private[4]: "10.0.0.0/33" is not a range of addresses; write one as 10.0.0.0/8 or fd00::/8',
      'callsight.yaml:16:81: notices.group_bye: unknown key "group_bye"; the keys here are allow_private',
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

describe('a condition', () => {
  const read = (when: string, more: Record<string, unknown> = {}) => {
    const { rule, problems } = readRule({ name: 'a', when, ...more }, undefined)
    return rule?.when ?? problems.map(problemText)
  }

  it.each([
    ['p50>=250us', 'p50 >= 250us', '>=', 250, 1, 'us'],
    ['p75 < 1ms', 'p75 < 1ms', '<', 1000, 1, 'us'],
    ['ttfb_p99.9 > 2s', 'ttfb_p99.9 > 2s', '>', 2_000_000, 1, 'us'],
    ['response_bytes_p95 > 64kB', 'response_bytes_p95 > 64kB', '>', 64_000, 1, 'bytes'],
    ['request_bytes_p50 <= 1.5 MiB', 'request_bytes_p50 <= 1.5 MiB', '<=', 1_572_864, 1, 'bytes'],
    ['avg > 20ms', 'avg > 20ms', '>', 20_000, 1, 'us'],
    ['max>1m', 'max > 1m', '>', 60_000_000, 1, 'us'],
    ['error_rate >= 0.05%', 'error_rate >= 0.05%', '>=', 5, 10_000, 'share'],
    ['rps < 0.5', 'rps < 0.5', '<', 5, 10, 'per_second'],
    ['rps < 30/m', 'rps < 30/m', '<', 30, 60, 'per_second'],
    ['calls <= 0', 'calls <= 0', '<=', 0, 1, 'calls'],
    ['quota_used >= 120%', 'quota_used >= 120%', '>=', 120, 100, 'share'],
    ['quota_forecast > 100%', 'quota_forecast > 100%', '>', 100, 100, 'share'],
  ])('%s is read', (written, text, comparison, numerator, denominator, unit) => {
    expect(read(written)).toMatchObject({ text, comparison, threshold: { numerator, denominator }, unit })
  })

  it('of an objective and of silence is read with what they are about', () => {
    expect(read('burn_rate', { objective: 'fast' })).toMatchObject({ metric: 'burn_rate', threshold: undefined })
    expect(read('burn_rate > 14.4', { objective: 'fast', over: '1h' })).toMatchObject({
      threshold: { numerator: 144, denominator: 10 },
    })
    expect(read('silence > 10m', { group_by: ['consumer'] })).toMatchObject({
      metric: 'silence',
      threshold: { numerator: 600_000_000, denominator: 1 },
    })
  })

  it('of what is unusual is read with its score, and wakes nobody whose rule does not say so', () => {
    expect(read('anomaly(p95)')).toMatchObject({
      text: 'anomaly(p95) > 5',
      metric: 'percentile',
      threshold: undefined,
      unit: 'us',
      anomaly: { score: { numerator: 5, denominator: 1 } },
    })
    expect(read('anomaly( rps )>7.5')).toMatchObject({
      text: 'anomaly(rps) > 7.5',
      metric: 'rps',
      anomaly: { score: { numerator: 75, denominator: 10 } },
    })
    const usual = readRule({ name: 'odd', when: 'anomaly(error_rate)' }, [])
    expect(usual.rule).toMatchObject({ overMs: 60_000, points: { needed: 3, of: 5 }, severity: 'info', minCalls: 10 })
    expect(readRule({ name: 'odd', when: 'anomaly(p95)', severity: 'page' }, []).rule?.severity).toBe('page')
  })

  it.each([
    [
      'anomaly(ttfb_p95)',
      {},
      'when: anomaly of "ttfb_p95" is not known; write anomaly(p95), or one of p50, p75, p90, p95, p99, p99.9, error_rate, rps, calls',
    ],
    [
      'anomaly',
      {},
      'when: anomaly of "" is not known; write anomaly(p95), or one of p50, p75, p90, p95, p99, p99.9, error_rate, rps, calls',
    ],
    ['anomaly(p95) < 6', {}, 'when: "<" is not a comparison here; use >: a score has no sign'],
    ['anomaly(p95) > 2.5', {}, 'when: a score of 2.5 is chance; write at least 3'],
    ['anomaly(p95) > 300ms', {}, 'when: "300ms" is not a score; write a number: 5'],
    ['anomaly(p95)', { recover: '1s' }, 'recover: anomaly(p95) takes no recover; remove it'],
    ['anomaly(p95)', { over: '90s' }, 'over: 90s is not a window of anomaly(p95); write whole minutes, at most 1h'],
    ['anomaly(rps)', { over: '2h' }, 'over: 2h is not a window of anomaly(rps); write whole minutes, at most 1h'],
    ['anomaly(p95)', { group_by: ['version'] }, 'group_by: what is usual is not kept by version; remove it'],
    ['p95 > 300', {}, 'when: "300" is not a duration; write a number and a unit (us, ms, s, m, h, d, w): 5m'],
    ['p95', {}, 'when: "p95" has no threshold; write it as p95 > 300ms or error_rate > 5%'],
    ['p95 >', {}, 'when: "p95 >" has no threshold; write it as p95 > 300ms or error_rate > 5%'],
    ['p95 == 1s', {}, 'when: "==" is not a comparison here; use >, >=, < or <='],
    ['silence < 10m', { consumer: 'x' }, 'when: "<" is not a comparison here; use > or >='],
    ['silence > 30s', { consumer: 'x' }, 'when: "30s" is too short; write at least 2m'],
    ['error_rate > 101%', {}, 'when: "101%" is more than all; write at most 100%'],
    ['rps > fast', {}, 'when: "fast" is not a rate of calls; write calls a second, a minute or an hour: 5, 30/m'],
    ['calls > 1.5', {}, 'when: "1.5" is not a number of calls; write it in digits: 1000'],
    [
      'response_bytes_p95 > 5',
      {},
      'when: "5" is not a number of bytes; write a number and a unit (B, kB, MB, GB, KiB, MiB, GiB): 64kB',
    ],
    ['burn_rate > 2x', { objective: 'a' }, 'when: "2x" is not a burn rate; write a number: 14.4'],
    ['errorrate > 5%', {}, 'when: "errorrate" is not a metric; did you mean error_rate?'],
    [
      'silence > 10m',
      {},
      'when: silence of whom is not said; add group_by: [consumer], or a service, operation or consumer',
    ],
    ['burn_rate', {}, 'when: a burn rate is that of an objective; add objective: NAME'],
    ['p95 > 1s', { objective: 'fast' }, 'objective: p95 takes no objective; remove it, or write when: burn_rate'],
    ['p95 > 1s', { quota: 'm' }, 'quota: p95 takes no quota; remove it, or write when: quota_used > 80%'],
    [
      'rps > 1',
      { confidence: '99%' },
      'confidence: rps takes no confidence; remove it: error rates and percentiles are measured on some calls',
    ],
    [
      'silence > 10m',
      { consumer: 'x', over: '5m' },
      'over: silence takes no over; remove it: the threshold is the time',
    ],
    [
      'burn_rate',
      { objective: 'a', service: 's' },
      'service: burn_rate takes no service; remove it: the objective says which calls count',
    ],
    [
      'burn_rate',
      { objective: 'a', over: '1h' },
      'over: burn_rate takes no over; remove it, or write a threshold: burn_rate > 14.4',
    ],
    [
      'quota_used > 80%',
      { group_by: ['consumer'] },
      'group_by: quota_used takes no group_by; remove it: the quota says which calls count',
    ],
    [
      'p95 > 1s',
      { recover: '2s' },
      'recover: "2s" is beyond the threshold of p95 > 1s; write a value at which it is over, below the threshold',
    ],
    [
      'rps < 5',
      { recover: '4' },
      'recover: "4" is beyond the threshold of rps < 5; write a value at which it is over, above the threshold',
    ],
    ['p95 > 1s', { points: '6 of 5' }, 'points: "6 of 5" is not so many of so many; write it as 3 of 5, of at most 60'],
    ['p95 > 1s', { points: '3 of 5', over: '2d' }, 'points: 5 windows of 2d are too long; use at most 7d in all'],
    [
      'p95 > 1s',
      { confidence: '100%' },
      'confidence: "100%" is not how sure one can be; write 50% or more and less than 100%, or none',
    ],
    [
      'p95 > 1s',
      { labels: { service: 'x' } },
      'labels.service: service is a label that alerts have already; use another name',
    ],
    [
      'p95 > 1s',
      { labels: { 'a b': 'x' } },
      'labels.a b: "a b" is not the name of a label; write letters, digits and _',
    ],
    ['p95 > 1s', { no_data: 'page' }, 'no_data: "page" is not known here; use ok, keep, alert'],
    [
      'p95 > 1s',
      { runbook: 'wiki' },
      'runbook: this is not an http or https URL; write it as https://hooks.example.com/path',
    ],
  ])('%s %o says what is wrong', (when, more, text) => {
    expect(read(when, more)).toEqual([text])
  })

  it('names an objective and a quota that are there', () => {
    const text = `plans: { gold: { quotas: [{ name: monthly, limit: 5, per: month }] } }
objectives: [{ name: fast, target: 99%, window: 1d }]
alerts:
  - { name: a, when: burn_rate, objective: fats }
  - { name: b, when: quota_used > 80%, quota: monthy }
  - { name: c, when: quota_used > 80%, quota: monthly }
`
    expect(faultsOf(text)).toEqual([
      'callsight.yaml:4:44: alerts[0].objective: there is no objective "fats"; did you mean fast?',
      'callsight.yaml:5:47: alerts[1].quota: there is no quota "monthy"; did you mean monthly?',
    ])
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
