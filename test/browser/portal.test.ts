import { readFileSync } from 'node:fs'
import type { FastifyInstance } from 'fastify'
import pino from 'pino'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseConfig } from '../../collector/src/config/read.ts'
import { Judge } from '../../collector/src/judge/judge.ts'
import { Statements } from '../../collector/src/judge/sla/statements.ts'
import type { Store } from '../../collector/src/store/store.ts'
import { Door, digest } from '../../collector/src/token.ts'
import { webServer } from '../../collector/src/web/server.ts'
import { slaRoutes } from '../../collector/src/web/sla.ts'
import { findChromium } from '../../scripts/chromium.mjs'
import { emptyStore, insertCalls, randomCalls } from '../judge/calls.ts'
import { until } from '../until.ts'
import { openBrowser } from './chromium.ts'

const executable = findChromium()
const now = Date.now()
const { config } = parseConfig(
  `tokens:
  - { name: us, scope: read, sha256: ${digest('ours')} }
  - { name: theirs, scope: consumer, consumer: acme, sha256: ${digest('theirs')} }
consumers: [{ id: acme, name: Acme <b>Corp</b>, plan: gold, time_zone: Europe/Berlin }]
plans: { gold: { quotas: [{ name: monthly, limit: 1000, per: month }] } }
objectives: [{ name: answered, per: consumer, target: 99%, window: month }]`,
  'test',
  {},
)
const calls = randomCalls(7, 600, now - 3 * 3600_000, now - 60_000)
const theirs = calls.filter(({ consumer, direction }) => consumer === 'acme' && direction === 'in')

let store: Store
let close: () => Promise<void>
let judge: Judge
let server: FastifyInstance
let address: string
/** Every path of the API, with its method. */
const routes: { method: string; url: string }[] = []

beforeAll(async () => {
  ;({ store, close } = await emptyStore())
  await insertCalls(store, calls)
  const log = pino({ level: 'silent' })
  judge = new Judge({ store, config: config!, log, externalUrl: () => '' })
  await judge.judgeQuotas()
  const door = new Door(config!.tokens, ['read', 'admin'], ['consumer'])
  const statements = new Statements({ store, config: () => config! })
  server = webServer({ store, judge, door, loopback: true, log, routes: [slaRoutes(statements)] })
  server.addHook('onRoute', ({ method, url }) => {
    if (url.startsWith('/api/')) for (const one of [method].flat()) routes.push({ method: one, url })
  })
  address = await server.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(async () => {
  await server?.close()
  await judge?.stop()
  await close?.()
})

async function ask(token: string | undefined, url: string, method = 'GET') {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const answer = await server.inject({ method: method as 'GET', url, headers })
  return { status: answer.statusCode, body: answer.body }
}

describe('a token of a consumer', () => {
  const open = [
    '/api/v1/portal',
    '/api/v1/portal/traffic',
    '/api/v1/portal/calls',
    '/api/v1/consumers/:id/usage',
    '/api/v1/consumers/:id/sla',
  ]
  const refusal = 'this token sees what concerns the consumer \\"acme\\" alone: /portal shows it'

  it('opens what is about its consumer, and none of the other routes, whichever there are', async () => {
    expect(routes.length).toBeGreaterThan(20)
    for (const { method, url } of routes) {
      const own = await ask('theirs', url.replace(':id', 'acme'), method)
      if (method === 'GET' && open.includes(url)) expect(own.status, url).toBe(200)
      else {
        expect(own.status, `${method} ${url}`).toBe(403)
        // To HEAD there is no body.
        if (method !== 'HEAD') expect(own.body).toContain(refusal)
      }
      expect((await ask('theirs', url.replace(':id', 'bob'), method)).status, url).toBe(
        method === 'GET' && url.startsWith('/api/v1/portal') ? 200 : 403,
      )
    }
    for (const path of ['/metrics', '/api/v1/nothing', '/api/v1/consumers/acme%2F..%2Fbob/usage']) {
      expect((await ask('theirs', path)).status, path).toBe(403)
    }
  })

  it('shows its calls alone, whatever is asked for', async () => {
    for (const query of ['', '&consumer=bob', '&direction=out']) {
      const { body } = await ask('theirs', `/api/v1/portal/calls?limit=1000${query}`)
      const { calls: shown } = JSON.parse(body) as { calls: object[] }
      expect(shown).toHaveLength(theirs.length)
      expect(Object.keys(shown[0]!)).toEqual(
        'ts id style operation method status outcome error_code duration_ms request_bytes response_bytes'.split(' '),
      )
    }
    const { body } = await ask('theirs', `/api/v1/portal/traffic?from=${now - 4 * 3600_000}&to=${now}`)
    const { points } = JSON.parse(body) as { points: { calls: number }[] }
    expect(points.reduce((sum, { calls }) => sum + Number(calls), 0)).toBe(
      theirs.reduce((sum, { weight }) => sum + weight, 0),
    )
  })

  it('is needed: those of others are no consumer', async () => {
    expect((await ask(undefined, '/api/v1/portal')).status).toBe(401)
    expect(await ask('ours', '/api/v1/portal')).toMatchObject({
      status: 401,
      body: expect.stringContaining('the portal needs a token of scope consumer'),
    })
  })
})

describe.skipIf(executable === undefined)('the portal in a browser', () => {
  let chromium: Browser
  beforeAll(async () => {
    chromium = await openBrowser(executable!)
  }, 60_000)
  afterAll(async () => chromium?.close())

  async function enter(token: string): Promise<Page> {
    const page = await chromium.newPage({ locale: 'en-US' })
    page.setDefaultTimeout(15_000)
    await page.goto(`${address}/portal`)
    await page.fill('input', token)
    await page.click('button.primary')
    return page
  }

  it('asks for the token again when it is none of a consumer, and keeps none', async () => {
    const page = await enter('ours')
    await page.waitForSelector('.door .fault')
    expect(await page.textContent('.door .fault')).toContain('This token does not open the page')
    await page.fill('input', 'theirs')
    await page.click('button.primary')
    await page.waitForSelector('main.portal')
    expect(await page.evaluate(() => document.cookie + JSON.stringify(localStorage) + location.href)).not.toContain(
      'theirs',
    )
    await page.close()
  })

  it('shows quotas, traffic and calls as the API has them', async () => {
    const page = await enter('theirs')
    await page.waitForSelector('.calls tbody tr')
    expect(await page.textContent('h1')).toBe('Acme <b>Corp</b>')
    const used = theirs.reduce((sum, { weight }) => sum + weight, 0).toLocaleString('en-US')
    expect(await page.textContent('.quota .figure')).toBe(`${used} of 1,000`)
    const promise = page.locator('.promises tbody tr').first()
    expect(await promise.locator('td').first().textContent()).toBe('answered')
    expect(await promise.locator('.result').textContent()).toBe('not kept')
    const [statement] = await Promise.all([
      page.waitForEvent('download'),
      page.click('button:has-text("Download the statement")'),
    ])
    expect(readFileSync(await statement.path(), 'utf8')).toContain('answered')
    await until('figures', async () => (await page.locator('.figures dd').first().textContent()) === used)
    expect(await page.locator('.calls tbody tr').count()).toBe(25)
    expect(await page.locator('.calls tbody tr').count()).toBe(25)
    while (await page.locator('button:has-text("Show more")').isVisible()) {
      const before = await page.locator('.calls tbody tr').count()
      await page.click('button:has-text("Show more")')
      await until('more', async () => (await page.locator('.calls tbody tr').count()) > before)
    }
    expect(await page.locator('.calls tbody tr').count()).toBe(theirs.length)
    const failed = theirs.filter(({ outcome }) => outcome === 'server_error').length
    await page.click('.choice:has-text("Failed")')
    await until('failed ones', async () => (await page.locator('.calls tbody tr').count()) === Math.min(failed, 25))
    expect(new Set(await page.locator('.calls .result').allTextContents())).toEqual(new Set(['failed']))
    await page.click('button:has-text("Sign out")')
    await page.waitForSelector('.door')
    await page.close()
  })
})
