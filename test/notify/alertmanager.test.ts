import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import Ajv from 'ajv'
import addFormats from 'ajv-formats'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../until.ts'
import { alertOf, deliver, hostileNotice, noticeOf, type Receiver, resolvedNotice, startReceiver } from './receiver.ts'

/** Source: https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml, postableAlerts */
const labelSet = {
  type: 'object',
  propertyNames: { pattern: '^[a-zA-Z_][a-zA-Z0-9_]*$' },
  additionalProperties: { type: 'string' },
}
const postableAlerts = {
  type: 'array',
  items: {
    type: 'object',
    required: ['labels'],
    additionalProperties: false,
    properties: {
      labels: { ...labelSet, additionalProperties: { type: 'string', minLength: 1 }, required: ['alertname'] },
      annotations: labelSet,
      startsAt: { type: 'string', format: 'date-time' },
      endsAt: { type: 'string', format: 'date-time' },
      generatorURL: { type: 'string', format: 'uri' },
    },
  },
}
const valid = addFormats.default(new Ajv({ allErrors: true })).compile(postableAlerts)

describe('an Alertmanager', () => {
  let receiver: Receiver
  beforeAll(async () => {
    receiver = await startReceiver()
  })
  afterAll(() => receiver.close())
  beforeEach(() => {
    receiver.received.length = 0
    receiver.answer = () => ({ status: 200 })
  })

  it.each([
    ['', '/api/v2/alerts'],
    ['/', '/api/v2/alerts'],
    ['/am', '/am/api/v2/alerts'],
    ['/api/v2', '/api/v2/alerts'],
    ['/api/v2/alerts', '/api/v2/alerts'],
  ])('at "%s" is told at %s', async (base, path) => {
    await deliver({ alertmanager: `${receiver.url}${base}` }, noticeOf())
    expect(receiver.received[0]!.path).toBe(path)
  })

  it('gets each alert, which ends by itself when it is not told again', async () => {
    const resolved = resolvedNotice().alerts[0]!
    const bare = alertOf({}, { labels: { service: 'checkout', consumer: '' } })
    const beforeMs = Date.now()
    await deliver({ alertmanager: receiver.url }, noticeOf({ alerts: [alertOf(), resolved, bare] }))
    const alerts = JSON.parse(receiver.received[0]!.body)
    expect(valid(alerts), JSON.stringify(valid.errors)).toBe(true)
    expect(alerts[0]).toMatchObject({
      labels: { alertname: 'slow-checkout', severity: 'page', service: 'checkout', operation: 'POST /orders' },
      annotations: { summary: expect.any(String), hurt: expect.any(String), calls_url: 'http://collector:4319/calls' },
      startsAt: '2026-11-21T10:00:05.000Z',
    })
    const aheadMs = Date.parse(alerts[0].endsAt) - beforeMs
    expect(aheadMs).toBeGreaterThanOrEqual(15 * 60_000)
    expect(aheadMs).toBeLessThan(16 * 60_000)
    expect(alerts[1].endsAt).toBe('2026-11-21T10:12:05.000Z')
    expect(alerts[2].labels).not.toHaveProperty('consumer')
  })

  it('gets what callers call themselves', async () => {
    await deliver({ alertmanager: receiver.url }, hostileNotice())
    expect(valid(JSON.parse(receiver.received[0]!.body)), JSON.stringify(valid.errors)).toBe(true)
  })

  it.each([
    [400, 'refused'],
    [500, 'later'],
  ])('that answers %i has %s it', async (status, kind) => {
    receiver.answer = () => ({ status, body: '"bad"' })
    expect(await deliver({ alertmanager: receiver.url }, noticeOf())).toMatchObject({
      kind,
      error: `HTTP ${status}: "bad"`,
    })
  })
})

const binary = ['prometheus-alertmanager', 'alertmanager'].find((name) => {
  try {
    execFileSync(name, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})
if (binary === undefined) console.warn('no alertmanager on the PATH: the test against the real one is skipped')

describe.skipIf(binary === undefined)('the real Alertmanager', () => {
  let child: ChildProcess
  let folder: string
  let url = ''
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'callsight-alertmanager-'))
    writeFileSync(join(folder, 'am.yml'), 'route: { receiver: none }\nreceivers: [{ name: none }]\n')
    const flags = [`--config.file=${folder}/am.yml`, `--storage.path=${folder}`, '--web.listen-address=127.0.0.1:0']
    child = spawn(binary!, [...flags, '--cluster.listen-address='], { stdio: ['ignore', 'ignore', 'pipe'] })
    createInterface({ input: child.stderr! }).on('line', (line) => {
      url ||= /Listening on.*address=(\S+)/.exec(line)?.[1] ?? ''
    })
    const address = await until('listening Alertmanager', () => url !== '' && url)
    url = `http://${address}`
    await until('ready Alertmanager', async () => (await fetch(`${url}/-/ready`)).ok)
  })
  afterAll(async () => {
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill()
    await ended
    rmSync(folder, { recursive: true, force: true })
  })

  interface Listed {
    labels: Record<string, string>
    annotations: Record<string, string>
    startsAt: string
    generatorURL: string
    status: { state: string }
  }
  const listed = async () => (await (await fetch(`${url}/api/v2/alerts`)).json()) as Listed[]

  it('has the alert while it fires, and not when it is over', async () => {
    expect(await deliver({ alertmanager: url }, noticeOf())).toMatchObject({ kind: 'delivered', status: 200 })
    const [alert] = await until('alert', async () => {
      const alerts = await listed()
      return alerts.length > 0 && alerts
    })
    expect(alert).toMatchObject({
      labels: { alertname: 'slow-checkout', severity: 'page', service: 'checkout', operation: 'POST /orders' },
      annotations: { compared: 'p95 was 120 ms in the same 5 minutes a week before' },
      startsAt: '2026-11-21T10:00:05.000Z',
      generatorURL: 'http://collector:4319/d/callsight-overview?var-service=checkout',
    })
    await deliver({ alertmanager: url }, noticeOf({ id: 'ntc_r', reason: 'repeat' }))
    expect(await listed()).toHaveLength(1)
    await deliver({ alertmanager: url }, resolvedNotice())
    await until('end of the alert', async () => (await listed()).length === 0)
  })

  it('takes what callers call themselves', async () => {
    expect(await deliver({ alertmanager: url }, hostileNotice())).toMatchObject({ kind: 'delivered' })
    await until('hundred alerts', async () => (await listed()).length === 100)
  })
})
