import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { registry, watch } from '../../collector/src/metrics.ts'
import '../../collector/src/judge/metrics.ts'
import '../../collector/src/notify/metrics.ts'
import { startCollector } from '../program.ts'

const rulesFile = fileURLToPath(new URL('../../deploy/prometheus/callsight.rules.yaml', import.meta.url))
const promtool = spawnSync('promtool', ['--version']).status === 0

describe('the alert rules for Prometheus', () => {
  const { groups } = parse(readFileSync(rulesFile, 'utf8')) as {
    groups: { rules: { alert: string; expr: string; labels: { severity: string } }[] }[]
  }
  const rules = groups.flatMap((group) => group.rules)

  it('ask for metrics that the collector has', () => {
    const known = registry.getMetricsAsArray().map(({ name }) => name)
    const asked = rules.flatMap(({ expr }) => expr.match(/\b(callsight|nodejs|process)_\w+/g) ?? [])
    expect(new Set(asked).size).toBeGreaterThan(10)
    for (const name of asked) expect(known).toContain(name.replace(/_(count|sum|bucket)$/, ''))
    for (const { labels } of rules) expect(['page', 'ticket']).toContain(labels.severity)
  })

  it.skipIf(!promtool)('pass promtool (skipped where promtool is not on the PATH)', () => {
    expect(execFileSync('promtool', ['check', 'rules', rulesFile], { encoding: 'utf8' })).toContain(
      `SUCCESS: ${rules.length} rules found`,
    )
  })
})

describe('metrics', () => {
  it('show the spool and the decode threads of the collector that is watched', async () => {
    const state = { bytes: 500, segments: 2, rows: 40, oldestMs: 1500, deadLetters: 3, writable: false }
    let active = 1000
    const thread = { performance: { eventLoopUtilization: () => ({ active }) } }
    watch({ spool: () => state, bounds: { bytes: 1000, ageMs: 60_000 }, threads: () => [thread, thread] })
    await registry.metrics()
    active = 2500
    const text = await registry.metrics()
    watch(undefined)
    const values = text.split('\n').filter((line) => /^callsight_(spool|decode_busy)/.test(line))
    expect(values.sort()).toEqual([
      'callsight_decode_busy_seconds_total{thread="0"} 2.5',
      'callsight_decode_busy_seconds_total{thread="1"} 2.5',
      'callsight_spool_bytes 500',
      'callsight_spool_dead_letters 3',
      'callsight_spool_limit_bytes 1000',
      'callsight_spool_limit_seconds 60',
      'callsight_spool_oldest_seconds 1.5',
      'callsight_spool_rows 40',
      'callsight_spool_segments 2',
      'callsight_spool_writable 0',
    ])
  })

  it('have few series, whatever senders send', async () => {
    const collector = await startCollector()
    const send = (path: string, service: string) => {
      const attributes = [{ key: 'service.name', value: { stringValue: service } }]
      const spans = [
        { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), name: service, kind: 2, startTimeUnixNano: '1' },
      ]
      return fetch(`${collector.otlp}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-odd': service },
        body: JSON.stringify({ resourceSpans: [{ resource: { attributes }, scopeSpans: [{ spans }] }] }),
      })
    }
    for (let i = 0; i < 100; i++) await send(i % 2 === 0 ? '/v1/traces' : `/v1/odd-${i}`, `odd-${i}`)
    const text = await fetch(`${collector.web}/metrics`).then((response) => response.text())
    await collector.stop()
    expect(text).not.toContain('odd')
    expect(text).toContain('callsight_otlp_requests_total{signal="traces",status="200"} 50')
    expect(text).toContain('callsight_otlp_request_seconds_count{signal="traces"} 50')
    expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds /m)
    expect(text).toMatch(/^callsight_judge_seconds_count\{what="alerts"\} \d+$/m)
    expect(text).toMatch(/^callsight_exactly_once 1$/m)
    expect(text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length).toBeLessThan(1000)
  })
})
