import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { boardOf } from '@callsight/dashboards'
import type { FastifyInstance } from 'fastify'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { migrate } from '../../collector/src/store/migrate.ts'
import { openStore, type Store } from '../../collector/src/store/store.ts'
import type { PanelAnswer } from '../../collector/src/web/boards.ts'
import { written } from '../../dashboards/viewer/src/format.ts'
import { findChromium } from '../../scripts/chromium.mjs'
import { until } from '../until.ts'
import { openBrowser } from './chromium.ts'
import { awkwardService, seed } from './seed.ts'
import { serve } from './serve.ts'

const executable = findChromium()
if (executable === undefined) {
  console.warn('No Chromium found, so the viewer is not opened: install it, or name it in CALLSIGHT_CHROMIUM.')
}

const now = Math.floor(Date.now() / 1000) * 1000
const [from, to] = [now - 15 * 60_000, now]
/** A range that stands still, so that the page and the test ask the same question. */
const still = `from=${from}&to=${to}&refresh=`
const folder = mkdtempSync(join(tmpdir(), 'callsight-viewer-'))
let store: Store
let server: FastifyInstance
let address: string
let chromium: Browser
let browser: BrowserContext
/** What the browser complained of; a test that provokes a complaint empties it. */
const complaints: string[] = []

describe.skipIf(executable === undefined)('the viewer in a browser', () => {
  beforeAll(async () => {
    store = await openStore(`embedded:${folder}`)
    await migrate(store)
    const served = await serve(store)
    server = served.server
    address = served.address
    chromium = await openBrowser(executable!)
  }, 60_000)

  afterAll(async () => {
    await chromium?.close()
    await server?.close()
    await store?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  // A context for each test, so that none inherits the token or the colours of another.
  beforeEach(async () => {
    browser = await chromium.newContext({ locale: 'en-US', viewport: { width: 1280, height: 900 } })
    browser.setDefaultTimeout(15_000)
  })

  afterEach(async () => {
    await browser.close()
    expect(complaints.splice(0)).toEqual([])
  })

  test('before the first call it says how to send one, then shows it without a reload', async () => {
    const page = await open('/')
    expect(await page.locator('.welcome').textContent()).toContain('node --require @callsight/agent/register app.js')
    expect(await panel(page, 'Operations').locator('.message').textContent()).toBe('No calls in this time range')
    expect(await figure(page, 'Newest call')).toBe('no call yet')
    await seed(store, now)
    await until('board instead of the hint', async () => (await page.locator('.welcome').count()) === 0)
    await until('calls', async () => (await page.locator('[data-panel="13"] tbody tr').count()) === 9)
  })

  describe('with calls', () => {
    // Already there after the test above: a repeated insert is dropped.
    beforeAll(async () => {
      await seed(store, now)
    })

    test.each(['callsight-overview', 'callsight-consumers', 'callsight-agents'])(
      '%s draws every panel',
      async (uid) => {
        const page = await open(`/d/${uid}?${still}`)
        const board = boardOf(uid)!
        expect(await page.locator('.panel').count()).toBe(board.panels.length)
        expect(await page.locator('.panel.failed, .panel.empty').count()).toBe(0)
        for (const { title } of board.panels) expect(await panel(page, title).isVisible()).toBe(true)
        // Every chart has ink on its canvas.
        const charts = board.panels.filter(({ type }) => type === 'timeseries').length
        const inked = await page.evaluate(
          () =>
            [...document.querySelectorAll('canvas')].filter((canvas) =>
              canvas
                .getContext('2d')!
                .getImageData(0, 0, canvas.width, canvas.height)
                .data.some((value) => value !== 0),
            ).length,
        )
        expect(inked).toBe(charts)
      },
    )

    test('the numbers are those of the API', async () => {
      const page = await open(`/d/callsight-overview?${still}`)
      const last = (answer: PanelAnswer) => Number(answer.rows.at(-1)!.at(-1))
      expect(await figure(page, 'Requests/s')).toBe(written(last(await api('callsight-overview', 1, 5000)), 'reqps'))
      const errors = last(await api('callsight-overview', 2, 5000))
      expect(await figure(page, 'Error share now')).toBe(written(errors, 'percentunit', 2))
      expect(await figure(page, '95 % faster than')).toBe(written(last(await api('callsight-overview', 3, 5000)), 'ms'))
      expect(await figure(page, 'Consumers')).toBe('6')
      expect(await figure(page, 'Worst budget')).toBe('-42%')
      expect(await figure(page, 'Alerts firing')).toBe('1')
      const answer = await api('callsight-overview', 13, 5000)
      expect((await rows(page, 'Operations')).map((row) => row.slice(0, 8))).toEqual(
        answer.rows.map(([service, operation, rps, calls, share, p50, p95, p99]) => [
          service,
          operation,
          written(Number(rps), 'reqps'),
          written(Number(calls), 'locale'),
          written(Number(share), 'percentunit', 2),
          written(Number(p50), 'ms'),
          written(Number(p95), 'ms'),
          written(Number(p99), 'ms'),
        ]),
      )
      await page.goto(`${address}/d/callsight-consumers?${still}`)
      await drawn(page)
      const ranked = await api('callsight-consumers', 5, 5000)
      const bars = await panel(page, 'Who calls most')
        .locator('li')
        .evaluateAll((list) =>
          list.map((bar) => ['.name', '.value'].map((part) => bar.querySelector(part)!.textContent)),
        )
      expect(bars).toEqual(ranked.rows.map(([name, calls]) => [name, written(Number(calls), 'locale')]))
    })

    test('the service variable filters, also by an awkward name, and stays on the way to the other board', async () => {
      const page = await open(`/d/callsight-overview?${still}`)
      await choose(page, awkwardService)
      await until('one service', async () => (await rows(page, 'Operations')).length === 1)
      expect((await rows(page, 'Operations'))[0]![0]).toBe(awkwardService)
      expect(new URL(page.url()).searchParams.getAll('var-service')).toEqual([awkwardService])
      await page.getByRole('link', { name: 'Consumers', exact: true }).click()
      await until('other board', async () => (await page.title()) === 'Consumers · Callsight')
      await drawn(page)
      const url = new URL(page.url())
      expect([url.pathname, url.searchParams.get('var-service'), url.searchParams.get('from')]).toEqual([
        '/d/callsight-consumers',
        awkwardService,
        String(from),
      ])
      await page.goBack()
      await until('first board', async () => (await rows(page, 'Operations')).length === 1)
      await page.getByRole('button', { name: /^Service:/ }).click()
      await page.locator('.popover.options > button').click()
      await until('all services', async () => (await rows(page, 'Operations')).length === 9)
      expect(new URL(page.url()).searchParams.getAll('var-service')).toEqual([])
    })

    test('the Agents board is found from the others, and its accounts are those of the API', async () => {
      const page = await open(`/d/callsight-overview?${still}`)
      await page.getByRole('link', { name: 'Agents', exact: true }).click()
      await until('other board', async () => (await page.title()) === 'Agents · Callsight')
      await drawn(page)
      expect(await figure(page, 'Agents reporting')).toBe('4')
      expect(await figure(page, 'Agents with a fault')).toBe('1')
      const work = (await api('callsight-agents', 4, 30_000)).rows[0]![0]
      expect(await figure(page, 'Agent CPU per call')).toBe(written(Number(work), 'µs'))
      const accounts = await rows(page, 'Is every call accounted for?')
      const answer = await api('callsight-agents', 7, 30_000)
      expect(accounts.map((row) => row.slice(0, 8))).toEqual(
        answer.rows.map(([service, instance, version, seen, stored, underWay, reasons, share]) => [
          service,
          instance,
          version,
          written(Number(seen), 'locale'),
          written(Number(stored), 'locale'),
          written(Number(underWay), 'locale'),
          reasons,
          written(Number(share), 'percentunit', 3),
        ]),
      )
      expect(accounts.map((row) => row[6])).toEqual(['queue_full 12, refused 2', 'missing 4', '', ''])
      expect((await rows(page, 'What failed inside agents?')).map((row) => row.slice(3, 6))).toEqual([
        ['bodies', '5', 'switched off'],
        ['routes', '1', 'still on'],
      ])
      await panel(page, 'Is every call accounted for?').getByRole('link', { name: 'billing' }).click()
      await until('the Overview', async () => (await page.title()) === 'Overview · Callsight')
      expect(new URL(page.url()).searchParams.get('var-service')).toBe('billing')
    })

    test('agents that lost nothing and never failed are told by words, not by empty panels', async () => {
      const page = await open(`/d/callsight-agents?${still}&var-service=${encodeURIComponent(awkwardService)}`)
      const message = (title: string) => panel(page, title).locator('.message').textContent()
      expect(await message('Calls lost, by reason')).toBe('No call was reported lost in this time range')
      expect(await message('What failed inside agents?')).toBe('No fault, and nothing is switched off')
      expect(await figure(page, 'Calls lost')).toBe('0.00%')
      expect(await figure(page, 'Agent CPU per call')).toBe('not told')
    })

    test('a cell leads to the consumers of its service', async () => {
      const page = await open(`/d/callsight-overview?${still}`)
      await panel(page, 'Operations').getByRole('link', { name: awkwardService }).click()
      await until('other board', async () => (await page.title()) === 'Consumers · Callsight')
      const url = new URL(page.url())
      expect([url.searchParams.get('var-service'), url.searchParams.get('to')]).toEqual([awkwardService, String(to)])
    })

    test('the time range: a preset, two moments, a drag on a chart, a double click', async () => {
      const page = await open(`/d/callsight-overview?${still}`)
      await page.getByRole('button', { name: /^Time range:/ }).click()
      await page.getByRole('button', { name: 'Last 3 hours' }).click()
      await until('the preset', () => new URL(page.url()).searchParams.get('from') === 'now-3h')
      await drawn(page)
      const calls = Number((await rows(page, 'Operations'))[0]![3])
      await page.getByRole('button', { name: 'Time range: Last 3 hours' }).click()
      await page.getByLabel('From').fill('2026-01-01T00:00:00')
      await page.getByLabel('To').fill('2025-01-01T00:00:00')
      await page.getByRole('button', { name: 'Show' }).click()
      expect(await page.getByRole('alert').textContent()).toMatch(/must be before/)
      await page.getByLabel('To').fill('2026-01-02T00:00:00')
      await page.getByRole('button', { name: 'Show' }).click()
      await until('an empty range', async () =>
        (await panel(page, 'Operations').getAttribute('class'))!.includes('empty'),
      )
      await page.goBack()
      await until('the earlier range', async () => Number((await rows(page, 'Operations'))[0]?.[3]) >= calls)
      await drawn(page)
      const box = (await panel(page, 'Latency').locator('.u-over').boundingBox())!
      await page.mouse.move(box.x + 50, box.y + 40)
      await page.mouse.down()
      await page.mouse.move(box.x + 150, box.y + 40, { steps: 4 })
      await page.mouse.up()
      const zoomed = await until('a zoomed range', () => {
        const { searchParams } = new URL(page.url())
        const width = Number(searchParams.get('to')) - Number(searchParams.get('from'))
        return Number.isNaN(width) ? undefined : width
      })
      const share = 100 / box.width
      expect(zoomed / (3 * 3600_000)).toBeCloseTo(share, 1)
      await drawn(page)
      await panel(page, 'Latency')
        .locator('.u-over')
        .dblclick({ position: { x: 60, y: 40 } })
      await until('a wider range', () => {
        const { searchParams } = new URL(page.url())
        return Number(searchParams.get('to')) - Number(searchParams.get('from')) > zoomed * 1.9
      })
    })

    test('a table is sorted by its headings, with the keyboard too', async () => {
      const page = await open(`/d/callsight-overview?${still}`)
      const heading = panel(page, 'Operations').getByRole('columnheader', { name: 'p95' })
      await heading.getByRole('button').focus()
      await page.keyboard.press('Enter')
      expect(await heading.getAttribute('aria-sort')).toBe('descending')
      const answer = await api('callsight-overview', 13, 5000)
      const wanted = answer.rows.map((row) => Number(row[6])).sort((a, b) => b - a)
      expect((await rows(page, 'Operations')).map((row) => row[6])).toEqual(wanted.map((ms) => written(ms, 'ms')))
      await page.keyboard.press('Enter')
      expect(await heading.getAttribute('aria-sort')).toBe('ascending')
    })

    test('what a panel means is shown to the pointer and to the keyboard', async () => {
      const page = await open(`/d/callsight-overview?${still}`)
      await page.getByRole('button', { name: 'About Latency' }).focus()
      expect(await page.getByRole('tooltip').textContent()).toContain('Half of the calls are faster than p50')
      await page.keyboard.press('Escape')
      expect(await page.getByRole('tooltip').isVisible()).toBe(false)
      await panel(page, 'Latency')
        .locator('.u-over')
        .hover({ position: { x: 100, y: 50 } })
      const tooltip = panel(page, 'Latency').locator('.tooltip')
      expect(await tooltip.textContent()).toMatch(/p50[\d.]+ ms/)
      expect(await panel(page, 'Error share').locator('.tooltip').first().isVisible()).toBe(false)
    })

    test('a line is hidden and shown by its name', async () => {
      const page = await open(`/d/callsight-overview?${still}`)
      const button = panel(page, 'Latency').locator('.legend').getByRole('button', { name: 'p99' })
      expect(await button.getAttribute('aria-pressed')).toBe('true')
      await button.click()
      await until('hidden', async () => (await button.getAttribute('aria-pressed')) === 'false')
      await panel(page, 'Latency')
        .locator('.u-over')
        .hover({ position: { x: 100, y: 50 } })
      expect(await panel(page, 'Latency').locator('.tooltip').textContent()).not.toContain('p99')
    })

    test('light and dark: as the system says, or as the reader chooses', async () => {
      const page = await open(`/d/callsight-overview?${still}`)
      const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
      const light = await background()
      await page.emulateMedia({ colorScheme: 'dark' })
      await until('dark', async () => (await background()) !== light)
      await page.getByRole('button', { name: 'Light colours' }).click()
      expect(await background()).toBe(light)
      await page.reload()
      await drawn(page)
      expect(await background()).toBe(light)
    })

    test.each([400, 1280, 1920])('at %i pixels nothing sticks out of the page', async (width) => {
      const page = await open(`/d/callsight-overview?${still}`)
      await page.setViewportSize({ width, height: 900 })
      for (const path of ['/d/callsight-overview', '/d/callsight-consumers', '/d/callsight-agents']) {
        await page.goto(`${address}${path}?${still}`)
        await drawn(page)
        const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
        expect(over).toBeLessThanOrEqual(0)
        const cut = await page.evaluate(() =>
          [...document.querySelectorAll<HTMLElement>('.figure')]
            .filter((one) => one.scrollWidth > one.closest('.body')!.clientWidth)
            .map((one) => one.textContent),
        )
        expect(cut).toEqual([])
      }
    })

    test('a panel that fails says why, and the others go on', async () => {
      const page = await browser.newPage()
      await page.route('**/api/v1/boards/callsight-overview/query', async (route) => {
        if (route.request().postDataJSON().panel !== 10) return route.continue()
        const body = JSON.stringify({ title: 'Error', status: 503, detail: 'this was too much for the store' })
        return route.fulfill({ status: 503, contentType: 'application/problem+json', body })
      })
      await page.goto(`${address}/d/callsight-overview?${still}`)
      await drawn(page)
      expect(await panel(page, 'Latency').locator('.message').textContent()).toBe('this was too much for the store')
      expect(await page.locator('.panel.failed').count()).toBe(1)
      expect(await page.locator('.live').getAttribute('class')).toContain('failing')
    })

    test('an unknown board is named, and the way back is there', async () => {
      const page = await browser.newPage()
      await page.goto(`${address}/d/nothing?var-service=shop`)
      await page.getByRole('alert').waitFor()
      expect(await page.getByRole('alert').textContent()).toContain('there is no board nothing')
      await page.getByRole('link', { name: 'Overview' }).click()
      await until('the Overview', async () => (await page.title()) === 'Overview · Callsight')
      await drawn(page)
      expect(new Set((await rows(page, 'Operations')).map((row) => row[0]))).toEqual(new Set(['shop']))
    })

    test('a collector that went away is said to be, and is found again', async () => {
      const page = await browser.newPage()
      await page.goto(`${address}/d/callsight-overview?from=${from}&to=${to}&refresh=5s`)
      await drawn(page)
      await page.route('**/api/**', (route) => route.abort())
      await page.locator('.live.failing').waitFor()
      expect(await panel(page, 'Latency').locator('.message').textContent()).toBe('the collector does not answer')
      await page.unroute('**/api/**')
      await page.locator('.live:not(.failing)').waitFor()
      expect(await page.locator('.panel.failed').count()).toBe(0)
    })

    test('a collector with a token is asked with it', async () => {
      const guarded = await serve(store, 'let-me-in')
      try {
        const page = await browser.newPage()
        await page.goto(`${guarded.address}/d/callsight-overview?${still}`)
        for (const token of ['wrong', 'let-me-in']) {
          await page.getByRole('textbox', { name: 'Token' }).fill(token)
          await page.getByRole('button', { name: 'Continue' }).click()
        }
        await drawn(page)
        expect(await rows(page, 'Operations')).toHaveLength(9)
        expect(await page.evaluate(() => [localStorage.length, sessionStorage.length])).toEqual([0, 1])
      } finally {
        await guarded.server.close()
      }
    })
  })
})

async function open(path: string): Promise<Page> {
  const page = await browser.newPage()
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  await page.goto(address + path)
  await drawn(page)
  return page
}

/** Waits until every panel has its answer for what the page now shows. */
async function drawn(page: Page): Promise<void> {
  await page.locator('.grid[aria-busy="false"]').waitFor()
}

function panel(page: Page, title: string) {
  return page.getByRole('region', { name: title, exact: true }).and(page.locator('.panel'))
}

async function figure(page: Page, title: string): Promise<string | null> {
  return panel(page, title).and(page.locator('.stat')).locator('.figure').textContent()
}

async function rows(page: Page, title: string): Promise<string[][]> {
  return panel(page, title)
    .locator('tbody tr')
    .evaluateAll((list) => list.map((row) => [...row.children].map((cell) => cell.textContent)))
}

async function choose(page: Page, service: string): Promise<void> {
  await page.getByRole('button', { name: /^Service:/ }).click()
  await page.getByRole('checkbox', { name: service, exact: true }).check()
  await page.keyboard.press('Escape')
}

async function api(uid: string, panel: number, intervalMs: number): Promise<PanelAnswer> {
  const response = await server.inject({
    method: 'POST',
    url: `/api/v1/boards/${uid}/query`,
    payload: { panel, from, to, intervalMs, variables: {} },
  })
  return response.json<PanelAnswer>()
}
