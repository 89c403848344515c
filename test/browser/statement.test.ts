import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseConfig } from '../../collector/src/config/read.ts'
import { calendarPeriod } from '../../collector/src/judge/calendar.ts'
import { contractOf } from '../../collector/src/judge/sla/contract.ts'
import { excludedTime } from '../../collector/src/judge/sla/exclusion.ts'
import { type Cell, measure } from '../../collector/src/judge/sla/formula.ts'
import { sealed, statementOf } from '../../collector/src/judge/sla/statement.ts'
import type { Statement } from '../../collector/src/judge/sla/statements.ts'
import { statementPage } from '../../collector/src/web/sla/page.ts'
import { findChromium } from '../../scripts/chromium.mjs'
import { openBrowser } from './chromium.ts'

const executable = findChromium()
if (executable === undefined) console.warn('No Chromium found, so no statement is looked at.')

const { config } = parseConfig(
  `objectives:
  - name: gateway
    per: consumer
    target: 99.95%
    window: 30d
    exclude: [{ from: "2026-10-20T02:00Z", to: "2026-10-20T03:00Z", reason: announced maintenance }]
    contract: { formula: aws, credits: [{ below: 99.95%, credit: 10% }, { below: 99%, credit: 25% }] }
  - { name: ${'a-very-long-name-'.repeat(5)}, per: consumer, target: 99.95%, window: 30d, contract: { formula: twilio, unavailable_below: 95% } }
  - { name: payments, per: consumer, target: 99.9%, window: 30d, contract: { formula: google } }
  - { name: plain, per: consumer, target: 99%, window: 30d }
`,
  'x',
  {},
)

/** A month with an outage of 40 minutes and a failure now and then. */
function statement(objective: NonNullable<typeof config>['objectives'][number], i: number): Statement {
  const period = calendarPeriod('month', 'Europe/Berlin', Date.UTC(2026, 9, 15))
  const contract = contractOf(objective)
  const excluded = excludedTime(objective.exclude, period)
  const cells = Array.from({ length: 700 }, (_, k): Cell => {
    const startMs = period.startMs + (k < 40 ? 20_000 + k : k * 63) * 60_000
    const sliceMs = contract.sliceMs
    const operation = contract.formula === 'google' ? `acme.payments.v1.Payments/CaptureAuthorisation${k % 3}` : ''
    const at = period.startMs + Math.floor((startMs - period.startMs) / sliceMs) * sliceMs
    return {
      startMs: at,
      operation,
      excluded: false,
      total: 100_000 + k,
      bad: k < 40 ? 60_000 : k % 50 === 0 ? 7000 : 0,
    }
  })
  const found = measure(cells, { contract, target: objective.target, period, excluded })
  const samples = new Map(
    found.bad.flatMap((slice) =>
      slice.cells.map(
        (cell) => [`${cell} ${slice.operation}`, ['0123456789abcdef'.repeat(2), 'fedcba9876543210'.repeat(2)]] as const,
      ),
    ),
  )
  const document = statementOf({
    objective,
    contract,
    consumer: 'acme',
    month: '2026-10',
    timeZone: 'Europe/Berlin',
    period,
    judgedUntilMs: period.endMs,
    firstCallMs: period.startMs,
    final: i > 0,
    cells,
    measure: found,
    samples,
  })
  return { version: i + 1, madeMs: Date.UTC(2026, 10, 2), checksum: sealed(document).checksum, document }
}

describe.skipIf(executable === undefined)('a statement in a browser', () => {
  let browser: Browser
  const text = statementPage('Acme Corporation of Somewhere & Partners', {
    statements: config!.objectives.map(statement),
    missing: [],
  })
  beforeAll(async () => {
    browser = await openBrowser(executable!)
  }, 60_000)
  afterAll(() => browser?.close())

  it.each([
    ['on a wide screen', 1920, 'dark', 'screen'],
    ['on a telephone', 390, 'light', 'screen'],
    ['on A4', 670, 'dark', 'print'],
    ['on Letter', 695, 'dark', 'print'],
  ] as const)('fits %s, and asks for nothing', async (_, width, colorScheme, media) => {
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme })
    const page = await context.newPage()
    const asked: string[] = []
    page.on('request', (request) => asked.push(request.url()))
    page.on('console', (message) => asked.push(message.text()))
    await page.emulateMedia({ media })
    await page.setContent(text)
    // A string, since the page's globals are not those of Node.
    const look = await page.evaluate<{ over: number; ink: string; sections: number }>(
      '({ over: document.documentElement.scrollWidth - innerWidth, ink: getComputedStyle(document.body).color, sections: document.querySelectorAll("section.detail").length })',
    )
    expect(look.over).toBeLessThanOrEqual(0)
    expect(look.sections).toBe(4)
    // Paper is light, whatever the reader's screen is.
    expect(look.ink).toBe(colorScheme === 'dark' && media === 'screen' ? 'rgb(230, 237, 243)' : 'rgb(22, 32, 44)')
    expect(asked).toEqual([])
    await context.close()
  })

  it('prints each objective from a sheet of its own', async () => {
    const page = await browser.newPage()
    await page.setContent(text)
    for (const format of ['A4', 'Letter']) {
      const pdf = (await page.pdf({ format, preferCSSPageSize: true })).toString('latin1')
      expect(pdf.match(/\/Type \/Page\b(?!s)/g)!.length).toBeGreaterThanOrEqual(4)
      expect(pdf).toContain(format === 'A4' ? '/MediaBox [0 0 595' : '/MediaBox [0 0 612 792]')
    }
    await page.close()
  })
})
