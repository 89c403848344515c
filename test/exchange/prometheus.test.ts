import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { api, callsightProgram, Program, startCollector, temporaryFolder } from '../program.ts'
import { until } from '../until.ts'

/** Debian's packages prometheus and prometheus-alertmanager. */
const there = ['promtool', 'prometheus', 'prometheus-alertmanager'].every(
  (name) => spawnSync(name, ['--version']).status === 0,
)

const config = `objectives:
  - { name: orders, service: shop, target: 99.9%, window: 30d, severity: page }
  - { name: each, service: shop, per: consumer, good: { latency_below: 300ms }, target: 99%, window: month }
alerts:
  - { name: errors, when: error_rate > 5%, over: 1m, for: 2s, keep_firing_for: 1m, severity: ticket }
  - { name: slow, when: p95 > 10s }
consumers: [{ id: acme }]
`

interface Alert {
  labels: Record<string, string>
  state?: string
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Calls that ended a moment ago, all of them failed. */
async function fail(otlp: string, count: number): Promise<void> {
  const text = (key: string, value: string) => ({ key, value: { stringValue: value } })
  const end = BigInt(Date.now() - 6000) * 1_000_000n
  const spans = Array.from({ length: count }, (_, i) => ({
    traceId: Math.random().toString(16).slice(2).padEnd(32, '0').slice(0, 32),
    spanId: (i + 1).toString(16).padStart(16, '0'),
    kind: 2,
    name: 'GET /orders',
    startTimeUnixNano: String(end - 1_000_000n),
    endTimeUnixNano: String(end),
    attributes: [
      text('http.request.method', 'GET'),
      text('http.route', '/orders'),
      text('callsight.consumer.id', 'acme'),
      { key: 'http.response.status_code', value: { intValue: '500' } },
    ],
  }))
  const resource = { attributes: [text('service.name', 'shop')] }
  const response = await fetch(`${otlp}/v1/traces`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans }] }] }),
  })
  expect(response.status).toBe(200)
}

async function json<T>(url: string): Promise<T | undefined> {
  const response = await fetch(url).catch(() => undefined)
  return response?.ok ? ((await response.json()) as T) : undefined
}

describe.skipIf(!there)("Debian's Prometheus and Alertmanager (skipped where they are not installed)", () => {
  it("take our rules, find Sloth's series in them, and fire as we do", { timeout: 120_000 }, async () => {
    const collector = await startCollector({ config })
    await fail(collector.otlp, 200)
    const folder = temporaryFolder()
    const rules = join(folder, 'rules.yaml')
    const exported = new Program([callsightProgram, 'prometheus', 'export', rules, '--url', collector.web])
    expect(await exported.ended).toEqual({ code: 0, signal: null })
    const checked = spawnSync('promtool', ['check', 'rules', rules], { encoding: 'utf8' })
    expect(checked.stderr + checked.stdout).toContain('SUCCESS')

    const [prometheusAt, alertmanagerAt] = await Promise.all([freePort(), freePort()])
    const alertmanager = started(folder, 'alertmanager', 'prometheus-alertmanager', alertmanagerAt, {
      route: { receiver: 'none', group_wait: '0s' },
      receivers: [{ name: 'none' }],
    })
    const prometheus = started(folder, 'prometheus', 'prometheus', prometheusAt, {
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      scrape_configs: [{ job_name: 'callsight', static_configs: [{ targets: [new URL(collector.web).host] }] }],
      rule_files: [rules],
      alerting: { alertmanagers: [{ static_configs: [{ targets: [`127.0.0.1:${alertmanagerAt}`] }] }] },
    })
    try {
      const names = (alerts: readonly Alert[] | undefined) => new Set(alerts?.map(({ labels }) => labels.alertname))
      await until(
        'the alerts in Alertmanager',
        async () => {
          const found = names(await json<Alert[]>(`http://127.0.0.1:${alertmanagerAt}/api/v2/alerts`))
          return ['errors', 'orders', 'each'].every((name) => found.has(name))
        },
        90_000,
      )
      const alerts = (await json<{ data: { alerts: Alert[] } }>(`http://127.0.0.1:${prometheusAt}/api/v1/alerts`))!.data
        .alerts
      expect(names(alerts).has('slow')).toBe(false)
      expect(alerts.find(({ labels }) => labels.alertname === 'each')!.labels.consumer).toBe('acme')
      const { data } = (await json<{
        data: { groups: { rules: { name: string; health: string; lastError?: string }[] }[] }
      }>(`http://127.0.0.1:${prometheusAt}/api/v1/rules`))!
      const faulty = data.groups.flatMap(({ rules }) => rules).filter(({ health }) => health === 'err')
      expect(faulty).toEqual([])
      const ratio = async (series: string) => {
        const query = `http://127.0.0.1:${prometheusAt}/api/v1/query?query=${encodeURIComponent(series)}`
        return (await json<{ data: { result: { value: [number, string] }[] } }>(query))!.data.result[0]?.value[1]
      }
      expect(Number(await ratio('slo:sli_error:ratio_rate5m{sloth_slo="orders"}'))).toBe(1)
      expect(Number(await ratio('slo:current_burn_rate:ratio{sloth_slo="orders"}'))).toBeCloseTo(1000, 6)
      expect(Number(await ratio('slo:period_error_budget_remaining:ratio{sloth_slo="orders"}'))).toBeCloseTo(-999, 6)
      const ours = await api<{ alerts: { rule: string; state: string }[] }>(collector, '/api/v1/alerts')
      expect(ours.alerts.find(({ rule }) => rule === 'errors')?.state).toBe('firing')
    } finally {
      await Promise.all([prometheus, alertmanager].map((program) => program.stop()))
      await collector.stop()
    }
  })
})

/** One of the two, with a configuration (YAML takes JSON) and a folder of its own. */
function started(folder: string, name: string, command: string, port: number, configuration: unknown): Program {
  const file = join(folder, `${name}.yaml`)
  writeFileSync(file, JSON.stringify(configuration))
  const flags = [`--config.file=${file}`, `--web.listen-address=127.0.0.1:${port}`]
  const own = {
    prometheus: [`--storage.tsdb.path=${join(folder, 'tsdb')}`],
    alertmanager: ['--cluster.listen-address=', `--storage.path=${join(folder, 'nflog')}`],
  }[name]
  return new Program([...flags, ...own!], { name: command, command })
}
