import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { FastifyInstance } from 'fastify'
import pino from 'pino'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { parseConfig } from '../../collector/src/config/read.ts'
import { Judge } from '../../collector/src/judge/judge.ts'
import type { Store } from '../../collector/src/store/store.ts'
import { Door, digest } from '../../collector/src/token.ts'
import { channelRoutes } from '../../collector/src/web/channels.ts'
import { webServer } from '../../collector/src/web/server.ts'
import { nameOf, type Rule, ruleOf } from '../../dashboards/viewer/src/alerts/draft.ts'
import { commandOf, yamlOf } from '../../dashboards/viewer/src/alerts/written.ts'
import { findChromium } from '../../scripts/chromium.mjs'
import { type Call, emptyStore, insertCalls } from '../judge/calls.ts'
import { until } from '../until.ts'
import { openBrowser } from './chromium.ts'

const executable = findChromium()
const minute = 60_000
const now = Math.floor(Date.now() / minute) * minute
/** Orders were slow for twenty minutes, three hours ago. */
const slow = { fromMs: now - 200 * minute, toMs: now - 180 * minute }
const channels = 'channels: { ops: { webhook: "http://127.0.0.1:9/ops" } }'
const { config } = parseConfig(
  `tokens:
  - { name: reader, scope: read, sha256: ${digest('reading')} }
  - { name: boss, scope: admin, sha256: ${digest('changing')} }
${channels}
alerts: [{ name: failing, when: error_rate > 5%, over: 5m, service: shop, group_by: [consumer], severity: page }]`,
  'test',
  {},
)

let store: Store
let close: () => Promise<void>
let judge: Judge
let server: FastifyInstance
let address: string
let chromium: Browser
let browser: BrowserContext
const complaints: string[] = []

beforeAll(async () => {
  ;({ store, close } = await emptyStore())
  await insertCalls(store, seeded())
  const log = pino({ level: 'silent' })
  judge = new Judge({ store, config: config!, log, externalUrl: () => '' })
  await judge.judgeAlerts()
  server = webServer({
    store,
    judge,
    door: new Door(config!.tokens, ['read', 'admin']),
    loopback: true,
    log,
    routes: [channelRoutes({ judge, store, externalUrl: () => '' })],
  })
  address = await server.listen({ host: '127.0.0.1', port: 0 })
  if (executable !== undefined) chromium = await openBrowser(executable)
}, 60_000)

afterAll(async () => {
  await chromium?.close()
  await server?.close()
  await judge?.stop()
  await close?.()
})

/** A call of each operation every 20 s for four hours; all of acme's failed in the last ten minutes. */
function seeded(): Partial<Call>[] {
  const calls: Partial<Call>[] = []
  for (let atMs = now - 240 * minute; atMs < Date.now() - 5000; atMs += 20_000) {
    const slowly = atMs >= slow.fromMs && atMs < slow.toMs
    calls.push({ atMs, operation: 'POST /orders', consumer: 'bob', durationUs: slowly ? 900_000 : 40_000 })
    const outcome = atMs > now - 10 * minute ? 'server_error' : 'ok'
    calls.push({ atMs: atMs + 1, operation: 'GET /books', consumer: 'acme', outcome, durationUs: 20_000 })
  }
  return calls
}

/** The stored rule of a name, as it is judged. */
function stored(name: string) {
  return judge.rules().find(({ rule }) => rule.name === name)?.rule
}

async function callsight(command: string): Promise<void> {
  const program = fileURLToPath(new URL('../../collector/bin/callsight.js', import.meta.url))
  const shell = `callsight() { "${process.execPath}" "${program}" "$@"; }; ${command}`
  await promisify(execFile)('sh', ['-c', shell], { env: { ...process.env, CALLSIGHT_TOKEN: 'changing' } })
}

/** What the same rule becomes in the file and by the command; the rule of this name is removed before. */
async function otherWays(name: string, yaml: string, command: string) {
  await judge.removeRule(name)
  await callsight(command)
  const byCommand = stored(name)
  const { config, faults } = parseConfig(`${channels}\n${yaml}`, 'callsight.yaml', {})
  expect(faults).toEqual([])
  return { byCommand, byFile: config!.alerts[0] }
}

describe('a rule that is written down', () => {
  it('is the same by the API, by the command and in the file, whatever stands in it', async () => {
    const rules: Omit<Rule, 'name'>[] = [
      // biome-ignore lint/suspicious/noTemplateCurlyInString: what a careless file would replace
      { when: 'max >= 1.5s', consumer: 'a"b\\c ${HOME} `id` $(id) !!', operation: "GET /it's/*", min_calls: '3' },
      { when: 'error_rate > 0.5%', service: 'true', env: 'null', peer: 'api.example:8443', direction: 'out' },
      { when: 'rps < 30/m', no_data: 'alert', points: '3 of 5', recover: '1', over: '90s', severity: 'no' },
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the same
      { when: 'silence > 10m', group_by: ['consumer', 'service'], notify: ['ops', 'https://example.com/a?b=c&d=${e}'] },
      { when: 'anomaly(p95)', group_by: ['operation'] },
      { when: 'response_bytes_p95 > 64kB', service: '1e3', consumer: 'näme: #1', confidence: 'none' },
    ]
    for (const written of rules) {
      const rule = { name: nameOf(written), ...written }
      await server.inject({
        method: 'POST',
        url: '/api/v1/alerts/rules',
        headers: { authorization: 'Bearer changing' },
        payload: rule,
      })
      const byForm = stored(rule.name)
      expect(byForm, rule.name).toBeDefined()
      const others = await otherWays(rule.name, yamlOf(rule), commandOf(rule, address))
      expect(others).toEqual({ byCommand: byForm, byFile: byForm })
    }
  })

  it('has no name of its own: it is named as the collector names it', async () => {
    const { name, ...rest } = ruleOf({
      name: ' ',
      metric: 'p95',
      comparison: '>',
      threshold: ' 250ms ',
      texts: { service: 'Shop Ä', operation: 'GET /books/*', peer: 'not said: calls are received' },
      groupBy: [],
      notify: [],
    })
    expect(rest).toEqual({ when: 'p95 > 250ms', service: 'Shop Ä', operation: 'GET /books/*' })
    const answer = await server.inject({
      method: 'POST',
      url: '/api/v1/alerts/rules',
      headers: { authorization: 'Bearer changing' },
      payload: rest,
    })
    expect(answer.json().name).toBe(name)
    await judge.removeRule(name)
  })
})

describe.skipIf(executable === undefined)('the page of alerts', { timeout: 90_000 }, () => {
  beforeEach(async () => {
    browser = await chromium.newContext({ locale: 'en-US', viewport: { width: 1280, height: 900 } })
    browser.setDefaultTimeout(20_000)
  })
  afterEach(async () => {
    await browser.close()
    expect(complaints.splice(0)).toEqual([])
  })

  async function open(token: string, path = '/alerts'): Promise<Page> {
    const page = await browser.newPage()
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('console', (message) => {
      // A refusal is one of the answers, and so is "later" while another preview ends.
      if (message.type() === 'error' && !/status of (4\d\d|503)/.test(message.text())) complaints.push(message.text())
    })
    await page.goto(address + path)
    await page.fill('dialog input', token)
    await page.click('dialog .primary')
    await page.waitForSelector('.rules > li')
    return page
  }

  async function headline(page: Page): Promise<string> {
    const said = async () => {
      const busy = await page.locator('.preview').getAttribute('aria-busy')
      return busy === 'false' && ((await page.textContent('.headline')) || undefined)
    }
    return until('preview', said, 40_000)
  }

  it('is reached from the boards, and leads back', async () => {
    const page = await browser.newPage()
    await page.addInitScript(() => sessionStorage.setItem('callsight-token', 'reading'))
    await page.goto(address)
    await page.click('nav >> text=Alerts')
    await page.waitForSelector('.rules > li')
    expect(await page.getAttribute('nav [aria-current]', 'href')).toBe('/alerts')
    await page.click('nav >> text=Overview')
    await page.waitForSelector('.grid .panel')
  })

  it('makes a rule that is the same by all three ways, and shows when it would have fired', async () => {
    const page = await open('changing')
    await page.click('text=New rule')
    await page.getByLabel('Service').fill('shop')
    await page.getByLabel('Operation').fill('POST /*')
    await page.getByLabel('For', { exact: true }).fill('2m')
    await page.getByLabel('Severity').fill('page')
    await page.click('.chip:has-text("consumer")')
    await page.click('.chip:has-text("ops")')
    await page.getByLabel('Name').fill('slow orders')
    await until('the firing', async () => (await headline(page)).startsWith('Would have fired once'), 60_000)
    const [firing] = await page.locator('.firings li').all()
    expect(await firing!.textContent()).toContain('slow orders: p95 is 900 ms, above 300 ms')
    const fired = Date.parse((await firing!.locator('time').getAttribute('datetime'))!)
    expect(fired).toBeGreaterThan(slow.fromMs)
    expect(fired).toBeLessThan(slow.toMs)
    expect(await page.getAttribute('.replay-chart .chart', 'aria-label')).toContain('threshold 300 ms')
    await firing!.getByRole('button', { name: 'Calls' }).click()
    await until('slow calls', async () => (await firing!.locator('tbody tr').count()) === 20)
    expect(new Set(await firing!.locator('tbody td.number').allTextContents())).toEqual(new Set(['900 ms']))

    const [yaml, command] = await Promise.all(
      ['yaml', 'command'].map(async (name) => (await page.textContent(`[data-written=${name}]`))!),
    )
    await page.click('text=Save rule')
    await page.waitForSelector('[data-rule="slow orders"]')
    expect(new URL(page.url()).search).toBe('')
    const byForm = stored('slow orders')
    expect(byForm).toMatchObject({ forMs: 2 * minute, operation: 'POST /*', groupBy: ['consumer'], notify: ['ops'] })
    expect(await otherWays('slow orders', yaml!, command!)).toEqual({ byCommand: byForm, byFile: byForm })

    await page.click('[aria-label="Remove slow orders"]')
    await page.click('.danger >> text=Remove slow orders')
    await until('its removal', async () => (await page.locator('[data-rule="slow orders"]').count()) === 0)
    expect(stored('slow orders')).toBeUndefined()
  })

  it('says what is wrong where it is wrong, and keeps what was typed in the URL', async () => {
    const page = await open('changing', '/alerts?metric=p95&comparison=%3E&threshold=5%25&over=soon&service=shop')
    const fault = (key: string) => page.locator(`[data-key=${key}] .fault`)
    await fault('when').waitFor()
    expect(await fault('when').textContent()).toBe(
      '"5%" is not a duration; write a number and a unit (us, ms, s, m, h, d, w): 5m.',
    )
    expect(await fault('over').textContent()).toContain('"soon" is not a duration')
    expect(await fault('service').isVisible()).toBe(false)
    expect(await page.locator('#field-over').getAttribute('aria-invalid')).toBe('true')
    await page.getByLabel('Threshold').fill('30ms')
    await page.getByLabel('Over', { exact: true }).fill('10m')
    await fault('when').waitFor({ state: 'hidden' })
    expect(await headline(page)).toMatch(/^Would have fired/)
    expect(new URL(page.url()).searchParams.get('threshold')).toBe('30ms')
    await page.getByLabel('Name').fill('failing')
    await page.click('text=Save rule')
    await fault('name').waitFor()
    expect(await fault('name').textContent()).toContain('there is already an alert rule "failing"')
  })

  it('asks only for what the metric takes', async () => {
    const page = await open('reading', '/alerts?metric=p95&comparison=%3E&threshold=300ms&service=shop')
    await page.getByLabel('Metric').selectOption('burn_rate')
    await page.locator('[data-key=objective]').waitFor()
    expect(await page.locator('[data-key=service]').isVisible()).toBe(false)
    await page.locator('[data-key=when] .fault').waitFor()
    expect(await page.textContent('[data-key=when] .fault')).toBe(
      'a burn rate is that of an objective; add objective: NAME.',
    )
    expect(await page.textContent('[data-written=yaml]')).toBe('alerts:\n  - name: burn_rate\n    when: burn_rate')
    expect(await page.textContent('.replayed')).toBe('Shown once what is marked is put right.')
  })

  it('replays a rule that there is', async () => {
    const page = await open('reading')
    await page.click('[aria-label="Replay failing"]')
    await until('its firing', async () => (await headline(page)).startsWith('Would have fired once'), 60_000)
    expect(await page.textContent('.firings li')).toContain('calls failed; 99.9 % sure the rate is above 5 %')
  })

  it('silences what fires, with a token that may', async () => {
    const page = await open('reading')
    const card = page.locator('.alert')
    expect(await card.textContent()).toMatch(/firing.*failing.*page.*acme.*100%.*against 5%/)
    await card.getByText('Calls', { exact: true }).click()
    await page.waitForSelector('.calls-of tbody tr')
    await card.getByRole('button', { name: /^Silence/ }).click()
    await page.click('text=4 hours')
    await page.getByLabel('Why').fill('a new disk')
    await page.click('form.silence .primary')
    await page.waitForSelector('.refusal')
    expect(await page.textContent('.refusal')).toContain('a change needs one of scope admin')
    expect(await judge.silences()).toEqual([])
    await page.click('text=Use another token')
    await page.fill('dialog input', 'changing')
    await page.click('dialog .primary')
    await card.getByText('silenced').waitFor()
    const [listed] = await judge.silences()
    expect(listed!.silence).toMatchObject({ comment: 'a new disk', author: 'viewer' })
    expect(listed!.silence.endsMs - listed!.silence.startsMs).toBe(4 * 3600_000)
    expect(listed!.held).toBe(1)
    await page.click('[aria-label^="End "]')
    await card.getByRole('button', { name: /^Silence/ }).waitFor()
    await page.close()
  })

  it.each([390, 1280, 1920])('is no wider than a window of %s, with the form open', async (width) => {
    const page = await open('reading', '/alerts?metric=error_rate&comparison=%3E&threshold=1%25&service=shop')
    await page.setViewportSize({ width, height: 844 })
    await headline(page)
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width)
  })
})
