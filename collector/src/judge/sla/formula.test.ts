import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Contract } from '../../config/config.ts'
import { parseConfig } from '../../config/read.ts'
import type { Period } from '../calendar.ts'
import { creditOf } from './credit.ts'
import { excludedTime } from './exclusion.ts'
import { type Cell, type Measure, measure, type Terms } from './formula.ts'
import { fraction, isLess, ofShare, percentText, sumOf } from './fraction.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const startMs = Date.UTC(2026, 8, 1)
/** September 2026: 30 days, 8,640 intervals of 5 minutes, 43,200 minutes. */
const september = { startMs, endMs: startMs + 30 * DAY }

function termsOf(
  contract: string,
  target = '99.95%',
  excluded: readonly Period[] = [],
  period: Period = september,
): Terms {
  const text = `objectives: [{ name: o, per: consumer, target: ${target}, window: 30d, contract: ${contract} }]`
  const { config, faults } = parseConfig(text, 'x', {})
  expect(faults).toEqual([])
  const { contract: read, target: share } = config!.objectives[0]!
  return { contract: read!, target: share, period, excluded }
}

function cell(minute: number, total: number, bad: number, more: Partial<Cell> = {}): Cell {
  return { startMs: startMs + minute * MINUTE, operation: '', excluded: false, total, bad, ...more }
}

function told({ attained }: Measure, { contract, target }: Terms) {
  if (attained === null) return null
  const credit = creditOf(attained, contract)?.text
  return { attained: percentText(attained), met: !isLess(attained, ofShare(target)), credit }
}

const awsCredits =
  'credits: [{ below: 99.95%, credit: 10% }, { below: 99%, credit: 25% }, { below: 95%, credit: 100% }]'

describe('aws: the mean of the shares of 5-minute intervals', () => {
  // Amazon API Gateway SLA of 2022-05-05 (aws.amazon.com/api-gateway/sla): availability of an interval is the share of
  // requests that did not fail, 100 % without requests; the monthly uptime percentage is the mean of all intervals'.
  // Below 99.95 %: 10 %, below 99 %: 25 %, below 95 %: 100 %.
  const terms = termsOf(`{ formula: aws, ${awsCredits} }`)

  it('an hour in which half of the calls fail costs 6 of 8,640 intervals, whatever the traffic', () => {
    // 12 intervals at 50 %: (8640 - 12 * 0.5) / 8640 = 8634 / 8640 = 99.930555… %, 10 % credit.
    const hour = Array.from({ length: 12 }, (_, i) => cell(i * 5, 2 * (i + 1), i + 1))
    expect(told(measure(hour, terms), terms)).toEqual({ attained: '99.930555%', met: false, credit: '10%' })
    const busy = hour.map((one) => ({ ...one, total: one.total * 1000, bad: one.bad * 1000 }))
    expect(told(measure(busy, terms), terms)).toEqual(told(measure(hour, terms), terms))
  })

  it('is kept at exactly 99.95 %, and broken by the least beyond', () => {
    // 8640 * 0.05 % = 4.32 intervals: 4 wholly bad ones and one with 8 of 25 bad (0.32) are exactly 99.95 %.
    const exactly = [...[0, 5, 10, 15].map((minute) => cell(minute, 3, 3)), cell(20, 25, 8)]
    expect(told(measure(exactly, terms), terms)).toEqual({ attained: '99.95%', met: true, credit: undefined })
    // One call in a million more: 4.32 + 0.000001 intervals, 99.949999988… %.
    const more = [...exactly, cell(25, 1_000_000, 1)]
    expect(told(measure(more, terms), terms)).toEqual({ attained: '99.949999%', met: false, credit: '10%' })
  })

  it('earns the credit of the lowest tier reached', () => {
    // 87 of 8640 bad: 98.993055 %, below 99 %. 432 of 8640: exactly 95 %, not below; 433: 94.988425 %.
    const bad = (count: number) => Array.from({ length: count }, (_, i) => cell(i * 5, 10, 10))
    expect(told(measure(bad(87), terms), terms)).toEqual({ attained: '98.993055%', met: false, credit: '25%' })
    expect(told(measure(bad(432), terms), terms)).toEqual({ attained: '95.00%', met: false, credit: '25%' })
    expect(told(measure(bad(433), terms), terms)).toEqual({ attained: '94.988425%', met: false, credit: '100%' })
    const capped = termsOf(`{ formula: aws, cap: 50%, ${awsCredits} }`)
    expect(told(measure(bad(433), capped), capped)?.credit).toBe('50%')
  })

  it('counts an interval without calls as the contract says', () => {
    // 10 intervals with calls, one of them bad.
    const cells = Array.from({ length: 10 }, (_, i) => cell(i * 5, 4, i === 0 ? 4 : 0))
    const by = (empty: string) => {
      const terms = termsOf(`{ formula: aws, empty: ${empty} }`)
      return told(measure(cells, terms), terms)?.attained
    }
    // 8639 / 8640, 9 / 10 and 9 / 8640.
    expect([by('good'), by('ignore'), by('bad')]).toEqual(['99.988425%', '90.00%', '0.104166%'])
    const nothing = (empty: string) => told(measure([], termsOf(`{ formula: aws, empty: ${empty} }`)), terms)
    expect(nothing('good')?.attained).toBe('100.00%')
    expect(nothing('bad')?.attained).toBe('0.00%')
    expect(nothing('ignore')).toBeNull()
  })

  it('takes an interval with few calls for one without', () => {
    const cells = [cell(0, 9, 9), cell(5, 10, 5)]
    const few = termsOf('{ formula: aws, min_calls: 10 }')
    // Only the second: (8640 - 0.5) / 8640.
    expect(measure(cells, few)).toMatchObject({ counted: 8640, empty: 8639, bad: [{ total: 10, bad: 5 }] })
    expect(told(measure(cells, few), few)?.attained).toBe('99.994212%')
  })

  it('forgives what failed in excluded time, and keeps what was good', () => {
    // Excluded from minute 2 of the first interval on: of its 10 calls 4 are judged (1 bad), of the 6 excluded 5 failed,
    // 1 of 5 is bad: (8640 - 0.2) / 8640.
    const cells = [cell(0, 4, 1), cell(0, 6, 5, { excluded: true }), cell(5, 7, 7, { excluded: true })]
    const excluded = [{ startMs: startMs + 2 * MINUTE, endMs: startMs + 10 * MINUTE }]
    const strict = { ...terms, excluded }
    expect(told(measure(cells, strict), strict)?.attained).toBe('99.997685%')
    expect(measure(cells, strict)).toMatchObject({ forgiven: 1, faulty: 2, bad: [{ total: 5, bad: 1 }] })
  })

  it('decides a month of intervals with all different numbers of calls exactly, in no time', () => {
    const cells = Array.from({ length: 8640 }, (_, i) => cell(i * 5, 1_000_003 + i * 7, 13))
    const { attained } = measure(cells, terms)
    const lost = cells.reduce((sum, { total, bad }) => sum + bad / total, 0) / 8640
    expect(Number.parseFloat(percentText(attained!)) / 100).toBeCloseTo(1 - lost, 7)
  })
})

describe('twilio: minutes', () => {
  // Twilio SLA of 2021-02-15 (twilio.com/legal/service-level-agreement): (A - B + C) / A with A the minutes of the month,
  // B the unavailable and C the excluded ones; 99.95 %, 10 % credit. The version of 2023-02-14 is (A - B) / A.
  const terms = termsOf('{ formula: twilio, unavailable_below: 95%, credits: [{ below: 99.95%, credit: 10% }] }')

  it('allows 21 of the 43,200 minutes of a September', () => {
    const down = (count: number) => Array.from({ length: count }, (_, i) => cell(i, 100, 100))
    // (43200 - 21) / 43200 = 99.951388… %; (43200 - 22) / 43200 = 99.949074… %.
    expect(told(measure(down(21), terms), terms)).toEqual({ attained: '99.951388%', met: true, credit: undefined })
    expect(told(measure(down(22), terms), terms)).toEqual({ attained: '99.949074%', met: false, credit: '10%' })
  })

  it('gives excluded minutes back', () => {
    // 30 unavailable minutes, 10 of them announced: (43200 - 30 + 10) / 43200 = 99.953703… %.
    const cells = Array.from({ length: 30 }, (_, i) => cell(i, 50, 50, { excluded: i >= 20 }))
    const excluded = [{ startMs: startMs + 20 * MINUTE, endMs: startMs + 60 * MINUTE }]
    const announced = { ...terms, excluded }
    expect(told(measure(cells, announced), announced)).toEqual({ attained: '99.953703%', met: true, credit: undefined })
    expect(measure(cells, announced)).toMatchObject({ counted: 43_200, faulty: 30, forgiven: 10 })
  })

  it('calls a minute unavailable below the share, not at it', () => {
    expect(measure([cell(0, 100, 5)], terms).bad).toEqual([])
    expect(measure([cell(0, 100, 6)], terms).bad).toHaveLength(1)
    expect(measure([cell(0, 20, 1), cell(1, 19, 1)], terms).bad).toMatchObject([{ total: 19, bad: 1 }])
  })

  it('counts minutes without calls as the contract says', () => {
    const by = (empty: string) => {
      const terms = termsOf(`{ formula: twilio, unavailable_below: 95%, empty: ${empty} }`)
      return told(measure([cell(0, 1, 1), cell(1, 1, 0)], terms), terms)?.attained
    }
    // 43199 / 43200, 1 / 2 and 1 / 43200.
    expect([by('good'), by('ignore'), by('bad')]).toEqual(['99.997685%', '50.00%', '0.002314%'])
  })
})

describe('google: each operation in each of its periods', () => {
  // Google Standard Payments, system availability (developers.google.com/standard-payments/guides/connectivity/
  // service-level-agreements): 99.9 % of requests, for each method; by the hour with more than 1000 requests in it, else
  // by the day of UTC; no valid answer within 7 s is a failure; calls during scheduled maintenance are ignored.
  const terms = termsOf('{ formula: google }', '99.9%')
  const hour = (hour: number, total: number, bad: number, operation = 'capture', excluded = false) =>
    cell(hour * 60, total, bad, { operation, excluded })

  it('judges an hour with more than 1000 calls by itself, and the others with their day', () => {
    // 10:00 has 2000 calls with 2 bad: exactly 99.9 %. 11:00 has 1000, so it is judged with 12:00: 1 of 1500 bad,
    // 99.933 %. The day after 3 of 1000: 99.7 %.
    const cells = [hour(10, 2000, 2), hour(11, 1000, 0), hour(12, 500, 1), hour(34, 1000, 3)]
    const found = measure(cells, terms)
    expect(found).toMatchObject({
      slices: 3,
      bad: [{ startMs: startMs + DAY, endMs: startMs + 2 * DAY, total: 1000, bad: 3 }],
    })
    expect(told(found, terms)).toEqual({ attained: '99.70%', met: false, credit: undefined })
    expect(told(measure(cells.slice(0, 3), terms), terms)).toEqual({ attained: '99.90%', met: true, credit: undefined })
    // With 1001 calls 11:00 is judged alone, and 12:00 is a day of its own: 499 of 500.
    const alone = measure([hour(10, 2000, 2), hour(11, 1001, 0), hour(12, 500, 1)], terms)
    expect(told(alone, terms)).toEqual({ attained: '99.80%', met: false, credit: undefined })
  })

  it('does not let a good operation pay for a bad one', () => {
    const cells = [hour(10, 1_000_000, 0, 'capture'), hour(10, 2000, 3, 'refund')]
    // 1997 / 2000.
    expect(told(measure(cells, terms), terms)?.attained).toBe('99.85%')
    expect(measure(cells, terms).bad).toMatchObject([{ operation: 'refund', total: 2000, bad: 3 }])
  })

  it('ignores calls of scheduled maintenance, the good ones too', () => {
    const cells = [hour(10, 1500, 1), hour(10, 1500, 1500, 'capture', true), hour(11, 10, 0, 'capture', true)]
    expect(told(measure(cells, terms), terms)?.attained).toBe('99.933333%')
  })

  it('knows nothing without calls', () => {
    expect(measure([], terms).attained).toBeNull()
    expect(measure([hour(1, 5, 5, 'capture', true)], terms).attained).toBeNull()
  })
})

describe('calls: good over all', () => {
  it('weighs every call the same, wherever it fell', () => {
    const terms = termsOf('{ formula: calls }', '99.5%')
    const cells = [cell(0, 1, 1), cell(60, 999, 4), cell(60, 50, 50, { excluded: true })]
    // 995 / 1000.
    expect(told(measure(cells, terms), terms)).toEqual({ attained: '99.50%', met: true, credit: undefined })
    expect(measure(cells, terms).bad).toMatchObject([{ bad: 1 }, { bad: 4 }])
    expect(measure([], terms).attained).toBeNull()
  })
})

const contracts = [
  ...['good', 'ignore', 'bad'].flatMap((empty) => [
    `{ formula: aws, empty: ${empty} }`,
    `{ formula: aws, empty: ${empty}, min_calls: 5, slice: 10m }`,
    `{ formula: twilio, unavailable_below: 90%, empty: ${empty} }`,
    `{ formula: twilio, unavailable_below: 90%, empty: ${empty}, min_calls: 5 }`,
  ]),
  '{ formula: google, min_calls: 30 }',
  '{ formula: calls }',
]

/** Calls of two hours by minute; what is excluded is whole minutes. */
const traffic = fc.array(
  fc.record({ minute: fc.nat(119), total: fc.integer({ min: 1, max: 40 }), badShare: fc.nat(3) }),
  { maxLength: 40 },
)
const windows = fc.array(fc.record({ from: fc.nat(119), minutes: fc.integer({ min: 1, max: 40 }) }), { maxLength: 4 })
const twoHours = { startMs, endMs: startMs + 2 * HOUR }

type Minute = { minute: number; total: number; badShare: number }

/** As the store would group them. */
function cellsOf(minutes: readonly Minute[], excluded: readonly Period[], contract: Contract): Cell[] {
  return minutes.map(({ minute, total, badShare }) => {
    const ms = startMs + minute * MINUTE
    return {
      startMs: startMs + Math.floor((ms - startMs) / contract.sliceMs) * contract.sliceMs,
      operation: contract.formula === 'google' ? `op${total % 2}` : '',
      excluded: excluded.some((window) => window.startMs <= ms && ms < window.endMs),
      total,
      bad: Math.floor((total * badShare) / 3),
    }
  })
}

function timeOf(windows: readonly { from: number; minutes: number }[]): Period[] {
  const exclusions = windows.map(({ from, minutes }) => {
    return { fromMs: startMs + from * MINUTE, toMs: startMs + (from + minutes) * MINUTE, reason: '' }
  })
  return excludedTime(exclusions, twoHours)
}

describe.each(contracts)('%s', (text) => {
  it('does not depend on the order of cells, nor on how they are split', () => {
    const terms = termsOf(text, '99%', [], twoHours)
    fc.assert(
      fc.property(traffic, windows, fc.integer(), (minutes, excludedWindows, seed) => {
        const excluded = timeOf(excludedWindows)
        const cells = cellsOf(minutes, excluded, terms.contract)
        const whole = measure(cells, { ...terms, excluded })
        const shuffled = cells.toSorted((a, b) => ((a.total * 31 + seed) % 7) - ((b.total * 31 + seed) % 7))
        const split = shuffled.flatMap((one) => {
          const half = Math.floor(one.total / 2)
          const halfBad = Math.min(half, Math.floor(one.bad / 2))
          return [
            { ...one, total: half, bad: halfBad },
            { ...one, total: one.total - half, bad: one.bad - halfBad },
          ]
        })
        const again = measure(split, { ...terms, excluded })
        expect(again.attained === null).toBe(whole.attained === null)
        if (again.attained !== null) {
          expect(isLess(again.attained, whole.attained!) || isLess(whole.attained!, again.attained)).toBe(false)
        }
        expect({ ...again, attained: 0, bad: again.bad.map(({ cells: _, ...slice }) => slice) }).toEqual({
          ...whole,
          attained: 0,
          bad: whole.bad.map(({ cells: _, ...slice }) => slice),
        })
      }),
    )
  })

  it('is never more than all nor less than nothing, and lists what it lost', () => {
    const terms = termsOf(text, '99%', [], twoHours)
    fc.assert(
      fc.property(traffic, windows, (minutes, excludedWindows) => {
        const excluded = timeOf(excludedWindows)
        const { attained, bad } = measure(cellsOf(minutes, excluded, terms.contract), { ...terms, excluded })
        if (attained === null) return
        expect(isLess(attained, fraction(0, 1))).toBe(false)
        expect(isLess(fraction(1, 1), attained)).toBe(false)
        if (terms.contract.formula !== 'google') expect(bad.length > 0).toBe(isLess(attained, fraction(1, 1)))
        else expect(bad.length > 0).toBe(isLess(attained, ofShare(terms.target)))
      }),
    )
  })
})

// Under google and calls what is excluded is ignored, as their terms say, so that a good hour excluded does not help.
describe.each(contracts.filter((text) => /aws|twilio/.test(text)))('%s', (text) => {
  it('is never worse for an exclusion', () => {
    const terms = termsOf(text, '99%', [], twoHours)
    fc.assert(
      fc.property(traffic, windows, (minutes, excludedWindows) => {
        const excluded = timeOf(excludedWindows)
        const without = measure(cellsOf(minutes, [], terms.contract), terms).attained
        const with_ = measure(cellsOf(minutes, excluded, terms.contract), { ...terms, excluded }).attained
        if (with_ !== null && without !== null) expect(isLess(with_, without)).toBe(false)
      }),
      { numRuns: 300 },
    )
  })
})

describe('fractions', () => {
  it('are added exactly', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ part: fc.nat(50), whole: fc.integer({ min: 50, max: 60 }) })), (shares) => {
        // Over one denominator that all of them divide.
        const common = Array.from({ length: 11 }, (_, i) => BigInt(50 + i)).reduce((product, n) => product * n, 1n)
        const plain = shares.reduce((sum, { part, whole }) => sum + (BigInt(part) * common) / BigInt(whole), 0n)
        const { numerator, denominator } = sumOf(shares)
        expect(numerator * common).toBe(plain * denominator)
      }),
    )
  })

  it('read as percentages that are cut, never rounded up', () => {
    expect(percentText(fraction(9_999_999_999, 10_000_000_000))).toBe('99.999999%')
    expect([percentText(fraction(1, 1)), percentText(fraction(0, 1))]).toEqual(['100.00%', '0.00%'])
    expect([percentText(fraction(1, 2)), percentText(fraction(1, 3))]).toEqual(['50.00%', '33.333333%'])
    fc.assert(
      fc.property(fc.bigInt(0n, 10n ** 12n), fc.nat(100_000_000), (numerator, millionths) => {
        const share = fraction(numerator, 10n ** 12n)
        const target = fraction(millionths, 100_000_000)
        // What is shown and what is decided never disagree.
        const shown = BigInt(percentText(share).replace(/\.(\d+)%$/, (_, decimals: string) => decimals.padEnd(6, '0')))
        expect(shown < BigInt(millionths)).toBe(isLess(share, target))
      }),
    )
  })
})

it('excluded time is in order, within the period, and does not touch', () => {
  const at = (minute: number) => startMs + minute * MINUTE
  const window = (from: number, to: number) => ({ fromMs: at(from), toMs: at(to), reason: '' })
  expect(
    excludedTime([window(50, 60), window(-5, 10), window(10, 20), window(15, 18), window(500, 600)], twoHours),
  ).toEqual([
    { startMs: at(0), endMs: at(20) },
    { startMs: at(50), endMs: at(60) },
  ])
})
