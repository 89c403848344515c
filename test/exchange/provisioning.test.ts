import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { boardFolder, boards } from '@callsight/dashboards'
import Ajv from 'ajv'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import type { Config } from '../../collector/src/config/config.ts'
import { parseConfig } from '../../collector/src/config/read.ts'
import { grafanaProvisioning } from '../../collector/src/exchange/grafana/provisioning.ts'
import { placedRules } from '../../collector/src/judge/alert/rules.ts'
import { callsightProgram, Program, startCollector, temporaryFolder } from '../program.ts'

const schema = JSON.parse(readFileSync(new URL('files/grafana.schema.json', import.meta.url), 'utf8'))
const ajv = new Ajv({ allErrors: true, strict: false }).addSchema(schema, 'grafana')

function expectValid(kind: 'rules' | 'contactPoints' | 'datasources' | 'providers', content: unknown): void {
  const valid = ajv.getSchema(`grafana#/definitions/${kind}`)!
  valid(content)
  expect(valid.errors ?? []).toEqual([])
}

const config = `channels:
  hook: { webhook: "https://hooks.example.com/s3cret-hook", secret: whsec_czNjcmV0 }
  chat: { slack: "https://hooks.slack.example.com/services/s3cret" }
  app: { slack: { token: xoxb-s3cret, channel: "#alerts" } }
  work: { teams: "https://prod.example.com/workflows/s3cret" }
  pager: { pagerduty: { routing_key: s3cret0123456789s3cret0123456789, severity: { ticket: info } } }
  mail: { email: { to: ["Ops <ops@example.com>", dev@example.com], from: callsight@example.com, smtp: "smtp://user:s3cret@mail.example.com" } }
  am: { alertmanager: "https://user:s3cret@am.example.com" }
  game: { discord: "https://discord.com/api/webhooks/1/s3cret" }
  gram: { telegram: { token: "1:s3cret", chat: -100123 } }
  own: { template: { url: "https://own.example.com/s3cret", body: "{{text}}" } }
objectives:
  - { name: orders, service: shop, target: 99.9%, window: 30d, severity: page, notify: [pager] }
  - { name: each, per: consumer, target: 99%, window: 7d }
  - { name: week, target: 99%, window: 7d, notify: [mail] }
external_url: https://callsight.example.com
grouping: { by: [alertname, service], wait: 30s, interval: 1m, repeat: 2h }
alerts:
  - { name: errors, when: error_rate > 5%, group_by: [consumer], for: 100s, keep_firing_for: 1s, notify: [pager, chat] }
  - { name: slow, when: p95 > 300ms, over: 30s, recover: 250ms, no_data: alert, notify: [hook, app, work, mail, am, game, gram, own] }
  - { name: same, when: p99 > 1s, over: 6h, no_data: keep, notify: [chat, pager], severity: page }
  - { name: url, when: "silence > 10m", group_by: [consumer], notify: ["https://else.example.com/s3cret", own] }
  - { name: own, when: calls < 10, notify: [own] }
  - { name: burn, when: burn_rate, objective: each }
  - { name: burn14, when: burn_rate > 14.4, objective: orders, over: 1h }
  - { name: short, when: burn_rate > 2, objective: week, over: 3d }
  - name: texts
    when: rps < 30/m
    service: "a $HOME {{ b }}"
    labels: { team: "$TEAM {{ x }}" }
    annotations: { note: "costs \${5} {{ y }}" }
    runbook: "https://wiki.example.com/$runbook"
`

interface Rule {
  uid: string
  title: string
  labels: Record<string, string>
  annotations: Record<string, string>
  notification_settings?: { receiver: string }
  dashboardUid: string
  panelId: number
  [key: string]: unknown
}

interface ContactPoint {
  name: string
  receivers: { type: string; settings: Record<string, string> }[]
}

function provisioned(text: string, storeUrl = 'https://callsight:s3cret@ch.example.com:9443/calls') {
  const read = parseConfig(text, 'callsight.yaml', {})
  expect(read.faults).toEqual([])
  const config = read.config as Config
  const { objectives, channels, grouping, externalUrl } = config
  const rules = placedRules(config, []).map(({ rule }) => rule)
  const made = grafanaProvisioning({ rules, objectives, channels, grouping, externalUrl, storeUrl })
  const groups = (made.files['alerting/rules.yaml'] as { groups: { interval: string; rules: Rule[] }[] }).groups
  const points = (made.files['alerting/contact-points.yaml'] as { contactPoints: ContactPoint[] }).contactPoints
  const byTitle = new Map(
    groups.flatMap(({ interval, rules }) => rules.map((rule) => [rule.title, { ...rule, interval }])),
  )
  return { ...made, rules: byTitle, points }
}

describe('what is exported to Grafana', () => {
  const { files, environment, notes, rules, points } = provisioned(config)

  it("is what Grafana's provisioning reads", () => {
    expectValid('rules', files['alerting/rules.yaml'])
    expectValid('contactPoints', files['alerting/contact-points.yaml'])
    expectValid('datasources', files['datasources/callsight.yaml'])
    const uids = [...rules.values()].map(({ uid }) => uid)
    expect(new Set(uids).size).toBe(uids.length)
    for (const { dashboardUid, panelId } of rules.values()) {
      const board = boards().find(({ uid }) => uid === dashboardUid)
      expect(board?.panels.some(({ id }) => id === panelId)).toBe(true)
    }
  })

  it('holds every rule and objective, and says what is left out', () => {
    expect([...rules.keys()].sort()).toEqual(
      [
        'errors',
        'slow',
        'same',
        'url',
        'own',
        'burn',
        'burn14',
        'texts',
        'orders burn_rate page',
        'orders burn_rate ticket',
        'week burn_rate page',
      ].sort(),
    )
    expect(notes).toEqual([
      'the rule short is left out: the objective week has no burn rate over 3d',
      'the rule week burn_rate ticket is left out: the window of its objective is too short for these burn rates',
      'Grafana does not sign what it sends to hook as Callsight does',
      'Grafana sends the e-mail of mail by its own SMTP settings',
      'Grafana has no channel like own, a template: add a contact point for it yourself',
    ])
    const panels = ['errors', 'slow', 'url', 'burn', 'own'].map((name) => {
      const { dashboardUid, panelId } = rules.get(name)!
      return boards()
        .find(({ uid }) => uid === dashboardUid)!
        .panels.find(({ id }) => id === panelId)!.title
    })
    expect(panels).toEqual(['Error share', 'Latency', 'Requests by outcome', 'Objectives', 'Requests by outcome'])
  })

  it('waits no shorter than the rule, and knows the policies', () => {
    expect(rules.get('errors')).toMatchObject({
      for: '2m',
      keepFiringFor: '30s',
      noDataState: 'OK',
      execErrState: 'Error',
      interval: '30s',
    })
    expect(rules.get('slow')).toMatchObject({ noDataState: 'NoData', interval: '10s' })
    expect(rules.get('slow')).not.toHaveProperty('for')
    expect(rules.get('same')).toMatchObject({
      noDataState: 'KeepLast',
      interval: '1m',
      missing_series_evals_to_resolve: 1_000_000,
    })
    // Who calls again is not quiet any more, whatever the policy.
    expect(rules.get('url')).toMatchObject({ noDataState: 'OK', missing_series_evals_to_resolve: 1 })
    expect(rules.get('orders burn_rate page')!.labels).toEqual({ severity: 'page' })
    expect(rules.get('orders burn_rate ticket')!.labels).toEqual({ severity: 'ticket' })
    const bounds = (name: string) =>
      (rules.get(name) as unknown as { data: { model: { conditions: unknown[] } }[] }).data[1]!.model.conditions[0]
    expect(bounds('slow')).toEqual({
      evaluator: { type: 'gt', params: [300] },
      unloadEvaluator: { type: 'lt', params: [250] },
    })
    // While it is pending nothing less than the threshold counts.
    expect(bounds('errors')).toEqual({ evaluator: { type: 'gt', params: [0.05] } })
    expect(bounds('texts')).toEqual({ evaluator: { type: 'lt', params: [0.5] } })
  })

  it('tells the channels that Grafana has, several at once, and leaves the rest to its policy', () => {
    expect(rules.get('errors')!.notification_settings).toEqual({
      receiver: 'Callsight: pager, chat',
      group_by: ['grafana_folder', 'alertname', 'service'],
      group_wait: '30s',
      group_interval: '1m',
      repeat_interval: '2h',
    })
    expect(rules.get('url')!.notification_settings!.receiver).toMatch(
      /^Callsight: https:\/\/else\.example\.com\/…\w{8}$/,
    )
    expect(rules.get('own')).not.toHaveProperty('notification_settings')
    const types = points.map(({ receivers }) => receivers.map(({ type }) => type).join(' '))
    expect(types).toEqual([
      'pagerduty slack',
      'webhook slack teams email prometheus-alertmanager discord telegram',
      'slack pagerduty',
      'webhook',
      'pagerduty',
      'email',
    ])
    const settings = points[1]!.receivers.map(({ settings }) => settings)
    expect(settings[1]!.recipient).toBe('#alerts')
    expect(settings[3]).toEqual({ addresses: 'ops@example.com;dev@example.com' })
    expect(settings[6]!.chatid).toBe('-100123')
    expect(points[0]!.receivers[0]!.settings.severity).toBe(
      '{{ if eq .CommonLabels.severity "page" }}critical{{ else if eq .CommonLabels.severity "critical" }}critical{{ else if eq .CommonLabels.severity "error" }}error{{ else if eq .CommonLabels.severity "info" }}info{{ else if eq .CommonLabels.severity "ticket" }}info{{ else }}warning{{ end }}',
    )
  })

  it('names secrets and never tells them', () => {
    const text = JSON.stringify({ files, environment, notes })
    expect(text).not.toMatch(/s3cret|whsec|czNj|callsight:/)
    const used = new Set([...text.matchAll(/\$\{([A-Z0-9_]+)\}/g)].map(([, name]) => name))
    expect(used).toEqual(new Set(environment.map(({ name }) => name)))
    expect(environment.map(({ name }) => name)).toEqual([
      'GRAFANA_READER_PASSWORD',
      'CALLSIGHT_PAGER_ROUTING_KEY',
      'CALLSIGHT_CHAT_URL',
      'CALLSIGHT_HOOK_URL',
      'CALLSIGHT_APP_TOKEN',
      'CALLSIGHT_WORK_URL',
      'CALLSIGHT_AM_URL',
      'CALLSIGHT_GAME_URL',
      'CALLSIGHT_GRAM_TOKEN',
      'CALLSIGHT_ELSE_EXAMPLE_COM_URL',
    ])
    expect(files['datasources/callsight.yaml']).toMatchObject({
      datasources: [{ jsonData: { host: 'ch.example.com', port: 9443, secure: true, defaultDatabase: 'calls' } }],
    })
  })

  it('lets nothing of a text be taken for a variable or a template', () => {
    const { labels, annotations } = rules.get('texts')!
    expect(labels).toEqual({ team: '{{ "\\x24" }}TEAM {{ "{{" }} x }}', severity: 'warning' })
    expect(annotations.note).toBe('costs {{ "\\x24" }}{5} {{ "{{" }} y }}')
    expect(annotations.runbook_url).toBe('https://wiki.example.com/{{ "\\x24" }}runbook')
    expect(annotations.summary).toBe(
      'texts: {{ with $values }}the rate is {{ printf "%.4g" .A.Value }} calls a second, limit 0.5 calls a second{{ else }}no data{{ end }} (service={{ $labels.service }})',
    )
    expect(annotations.callsight_url).toBe(
      'https://callsight.example.com/d/callsight-overview?from=now-1h&to=now&var-service={{ $labels.service | urlquery }}',
    )
    expect(rules.get('errors')!.annotations.description).toBe(
      'error_rate > 5% over 5m, by consumer, of at least 10 calls, 99.9 % sure',
    )
  })

  it('says that Grafana cannot ask the embedded engine', () => {
    const made = provisioned('alerts: []', 'embedded:./data')
    expectValid('datasources', made.files['datasources/callsight.yaml'])
    expectValid('rules', made.files['alerting/rules.yaml'])
    expect(made.notes).toEqual([
      'this collector keeps its calls in the embedded engine, which Grafana cannot ask: give it a server with --clickhouse URL',
    ])
  })
})

describe('callsight grafana export', () => {
  it('writes what the collector has, of the file and of the API, and leaves other files alone', async () => {
    const collector = await startCollector({ config })
    const added = await fetch(`${collector.web}/api/v1/alerts/rules`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'by-api', when: 'max > 5s' }),
    })
    expect(added.status).toBe(201)
    const folder = join(temporaryFolder(), 'provisioning')
    mkdirSync(join(folder, 'alerting'), { recursive: true })
    writeFileSync(join(folder, 'alerting/mine.yaml'), 'apiVersion: 1\n')
    writeFileSync(join(folder, 'alerting/rules.yaml'), 'old')
    const run = (...more: string[]) => new Program([callsightProgram, 'grafana', 'export', ...more])
    const exported = run(folder, '--url', collector.web, '--mounted-at', '/provisioning/')
    expect(await exported.ended, exported.stderr).toEqual({ code: 0, signal: null })
    const names = readdirSync(boardFolder).filter((name) => name.endsWith('.json'))
    const paths = [
      ...names.map((name) => `dashboards/callsight/${name}`),
      'dashboards/callsight.yaml',
      'datasources/callsight.yaml',
      'alerting/rules.yaml',
      'alerting/contact-points.yaml',
    ]
    expect(exported.stdout.match(/^wrote .*/gm)).toEqual(paths.map((path) => `wrote ${join(folder, path)}`))
    expect(exported.stdout).toContain('\n  CALLSIGHT_CHAT_URL              the URL of the channel chat\n')
    expect(exported.stdout).toContain('\nNote:\n  this collector keeps its calls in the embedded engine')
    const text = (path: string) => readFileSync(join(folder, path), 'utf8')
    expect(text('alerting/mine.yaml')).toBe('apiVersion: 1\n')
    for (const path of paths) expect(text(path)).not.toContain('s3cret')
    for (const name of names)
      expect(text(`dashboards/callsight/${name}`)).toBe(readFileSync(join(boardFolder, name), 'utf8'))
    const provider = parse(text('dashboards/callsight.yaml'))
    expectValid('providers', provider)
    expect(provider.providers[0].options.path).toBe('/provisioning/dashboards/callsight')
    expectValid('datasources', parse(text('datasources/callsight.yaml')))
    expectValid('contactPoints', parse(text('alerting/contact-points.yaml')))
    const rules = parse(text('alerting/rules.yaml'))
    expectValid('rules', rules)
    const titles = rules.groups.flatMap((group: { rules: Rule[] }) => group.rules.map(({ title }) => title))
    expect(titles).toEqual(expect.arrayContaining(['by-api', 'errors', 'orders burn_rate page']))

    const file = join(folder, 'alerting/mine.yaml')
    const refused = run(file, '--url', collector.web)
    expect(await refused.ended).toEqual({ code: 1, signal: null })
    expect(refused.stderr).toMatch(`cannot write ${join(file, 'dashboards/callsight', names[0]!)}: ENOTDIR`)
    await collector.stop()
    const nobody = run(folder, '--url', collector.web)
    expect(await nobody.ended).toEqual({ code: 1, signal: null })
    expect(nobody.stderr).toBe(
      `no collector answers at ${collector.web} (ECONNREFUSED): start one with "callsight up", or name it with --url or CALLSIGHT_URL\n`,
    )
  })
})
